"""The database backend: it reuses connections, replaces closed ones, and bounds every wait."""

import os
import socket
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import psycopg2
import pytest
from django.db import OperationalError, ProgrammingError, connection
from psycopg2.extensions import set_wait_callback

from common.database import deadline
from common.database.base import DatabaseWrapper, look_up, with_addresses
from common.database.circuit_breaker import CircuitBreaker
from common.database.pool import Pool
from common.database.replica import read
from users_project.users.models import User


@pytest.fixture
def pool(transactional_db, monkeypatch) -> Iterator[Pool]:
    """A pool with one slot. It replaces the connection of the tests, which is not pooled."""
    connection.close()
    pool = Pool(1)
    monkeypatch.setattr(DatabaseWrapper, "pools", {"default": pool})
    yield pool
    connection.close()
    pool.acquire(0).close()
    monkeypatch.undo()


def backend() -> int:
    """Return the process id of the connection's PostgreSQL backend."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    return pid


def test_a_closed_connection_is_reused_by_the_next_request(pool) -> None:
    before = backend()
    connection.close()
    assert backend() == before


def test_a_connection_closed_by_the_server_is_replaced(pool, superuser) -> None:
    before = backend()
    connection.close()
    superuser.execute("SELECT pg_terminate_backend(%s, 5000)", [before])
    assert backend() != before


def test_a_connection_in_a_transaction_is_not_reused(pool) -> None:
    connection.set_autocommit(False)
    before = backend()
    connection.close()
    assert backend() != before
    assert connection.get_autocommit()


def test_a_connection_is_not_reused_after_an_error(pool) -> None:
    before = backend()
    with pytest.raises(ProgrammingError), connection.cursor() as cursor:
        cursor.execute("SELECT no_such_column")
    connection.close()
    assert backend() != before


def test_a_failed_connect_releases_its_slot(pool, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "HOST", "unknown.invalid")
        for _ in range(2):
            with pytest.raises(OperationalError, match="cannot be resolved"):
                backend()
    assert backend()


def test_a_host_name_is_resolved_to_all_its_addresses() -> None:
    params = with_addresses({"host": "localhost", "user": "x"})
    addresses = params["hostaddr"].split(",")
    assert "127.0.0.1" in addresses
    assert params["host"].split(",") == ["localhost"] * len(addresses)


def test_a_slow_name_resolution_times_out(monkeypatch) -> None:
    may_answer = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: may_answer.wait(60) and [])
    start = monotonic()
    with pytest.raises(psycopg2.OperationalError, match="Resolving slow.invalid takes too long"):
        look_up("slow.invalid", 0.1)
    assert monotonic() - start < 30
    may_answer.set()


@pytest.mark.parametrize("waited", [0.0, 0.1, 1.0, 2.0])
def test_a_queued_request_keeps_time_for_a_connect_and_a_statement(
    monkeypatch, waited: float
) -> None:
    now = 1000.0
    monkeypatch.setattr(deadline, "monotonic", lambda: now)
    with deadline.request_budget():
        assert deadline.queue_budget() == pytest.approx(deadline.QUEUE_BUDGET)
        now += waited
        assert deadline.queue_budget() == pytest.approx(deadline.QUEUE_BUDGET - waited)
        now += deadline.queue_budget()
        assert deadline.connect_timeout() == pytest.approx(deadline.CONNECT_RESERVE)
        now += deadline.connect_timeout()  # spent on name resolution
        assert deadline.connect_timeout() == pytest.approx(0)
        assert deadline.statement_timeout() == pytest.approx(deadline.STATEMENT_TIMEOUT)
        now += deadline.statement_timeout()
        assert deadline.queue_budget() == 0.0
        assert deadline.statement_timeout() == deadline.MIN_STATEMENT_TIMEOUT
        assert now < 1005.0  # the five seconds of the contract
        deadline.restart()
        assert deadline.time_left() == pytest.approx(deadline.REQUEST_BUDGET)


def test_the_budget_does_not_run_out_outside_a_request(monkeypatch) -> None:
    now = 1000.0
    monkeypatch.setattr(deadline, "monotonic", lambda: now)
    with deadline.request_budget():
        now += 60
        assert deadline.time_left() < 0
    deadline.restart()
    now += 60
    assert deadline.time_left() == deadline.REQUEST_BUDGET


@pytest.fixture
def short_deadline(monkeypatch):
    """A deadline of 0.2 seconds, and closed circuit breakers."""
    monkeypatch.setattr(deadline, "STATEMENT_TIMEOUT", 0.2)
    monkeypatch.setattr(deadline, "MIN_STATEMENT_TIMEOUT", 0.1)
    monkeypatch.setattr(deadline, "_breakers", defaultdict(lambda: CircuitBreaker(1.0)))
    set_wait_callback(deadline.wait)
    yield
    set_wait_callback(None)


def connect(host: str = os.environ["DB_HOST"]) -> psycopg2.extensions.connection:
    password = Path(os.environ["DB_ADMIN_PASSWORD_FILE"]).read_text().strip()
    return psycopg2.connect(
        host=host,
        port=os.environ["DB_PORT"],
        dbname=os.environ["DB_NAME"],
        user="postgres",
        password=password,
    )


def test_an_answer_before_the_deadline_is_returned(short_deadline) -> None:
    with connect() as open_connection, open_connection.cursor() as cursor:
        cursor.execute("SELECT repeat('x', 5000000)")
        assert len(cursor.fetchone()[0]) == 5000000
    open_connection.close()


def test_a_missed_deadline_opens_the_circuit_breaker(short_deadline, monkeypatch) -> None:
    slow, other, elsewhere = connect(), connect(), connect("localhost")
    start = monotonic()
    with pytest.raises(psycopg2.OperationalError, match="did not answer in 0.2"):
        slow.cursor().execute("SELECT pg_sleep(20)")
    assert 0.2 <= monotonic() - start < 15
    assert slow.closed
    with pytest.raises(psycopg2.OperationalError, match="a moment ago"):
        other.cursor().execute("SELECT 1")
    elsewhere.cursor().execute("SELECT 1")
    monkeypatch.setattr(deadline, "_breakers", defaultdict(lambda: CircuitBreaker(1.0)))
    connect().close()


def test_a_connect_to_a_silent_server_ends_at_the_deadline(short_deadline) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = monotonic()
        with pytest.raises(psycopg2.OperationalError, match="did not answer"):
            psycopg2.connect(host="127.0.0.1", port=silent.getsockname()[1], user="x")
        assert monotonic() - start < 15


def test_a_connect_has_less_time_after_the_request_has_waited(short_deadline, monkeypatch) -> None:
    monkeypatch.setattr(deadline, "REQUEST_BUDGET", 0.3)
    monkeypatch.setattr(deadline, "CONNECT_RESERVE", 0.1)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(psycopg2.OperationalError, match="did not answer in 0.1"),
    ):
        psycopg2.connect(host="127.0.0.1", port=silent.getsockname()[1], user="x")


def test_the_servers_statement_timeout_is_shorter_than_the_deadline(superuser) -> None:
    superuser.execute("SELECT rolconfig FROM pg_roles WHERE rolname LIKE '%_service'")
    for (settings,) in superuser.fetchall():
        (timeout,) = (s.split("=")[1] for s in settings if s.startswith("statement_timeout"))
        assert float(timeout.removesuffix("ms")) / 1000 < deadline.STATEMENT_TIMEOUT


def test_rows_of_another_database_do_not_come_from_the_replica(settings: Any, monkeypatch) -> None:
    monkeypatch.setitem(settings.DATABASES, "replica", settings.DATABASES["default"])
    rows = User.objects.order_by("id")
    assert read(rows, lambda chosen: chosen.db) == "replica"
    assert read(rows.using("archive"), lambda chosen: chosen.db) == "archive"
