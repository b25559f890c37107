"""The database is killed, frozen, locked, or refuses connections."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import httpx
import psycopg2
import pytest

from tests.conftest import Services, wait_for
from tests.postgres import frozen

LONGEST_WAIT = 5.0  # seconds, from the contract


class Load:
    """Concurrent clients that draw numbers until the block ends."""

    def __init__(self, url: str, user: str) -> None:
        self.url = url
        self.user = user
        self.statuses: Counter[int] = Counter()
        self.saved: list[int] = []
        self.slowest = 0.0
        self.ended = threading.Event()
        self.clients = [threading.Thread(target=self.draw) for _ in range(48)]

    def draw(self) -> None:
        with httpx.Client(timeout=30) as client:
            while not self.ended.is_set():
                start = monotonic()
                response = client.post(self.url, json={"user": self.user})
                self.slowest = max(self.slowest, monotonic() - start)
                self.statuses[response.status_code] += 1
                if response.status_code == 201:
                    self.saved.append(response.json()["id"])
                else:
                    assert response.json()["error"]
                    assert response.headers["Retry-After"]

    def __enter__(self) -> "Load":
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.ended.set()
        for client in self.clients:
            client.join()


@pytest.fixture
def server(superuser: psycopg2.extensions.cursor) -> int:
    """The id of PostgreSQL's first process."""
    superuser.execute("SELECT pg_backend_pid()")
    own = superuser.fetchone()[0]
    status = Path(f"/proc/{own}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("PPid"))


@pytest.fixture
def load(services: Services, user: str) -> Iterator[Load]:
    """Load that has started: more than 50 numbers have been drawn."""
    with Load(f"{services.numbers}/generate-random-number", user) as load:
        wait_for(lambda: load.statuses[201] > 50, 20)
        yield load


def assert_healed(services: Services, load: Load, seconds: float) -> None:
    """Check that numbers are drawn again, no answer was late, and every number is saved."""
    before = load.statuses[201]
    wait_for(lambda: load.statuses[201] > before + 50, seconds)
    load.__exit__()
    assert set(load.statuses) == {201, 503}
    assert load.slowest < LONGEST_WAIT
    url = f"{services.numbers}/get-saved-numbers"
    saved = httpx.get(url, params={"user": load.user}, timeout=30).json()["savedNumbers"]
    assert set(load.saved) <= {row["id"] for row in saved}


def test_requests_are_503_while_the_server_is_down(
    services: Services, server: int, load: Load
) -> None:
    os.kill(server, signal.SIGKILL)
    wait_for(lambda: load.statuses[503] > 50, 10)
    assert httpx.get(f"{services.numbers}/livez").status_code == 200
    assert httpx.get(f"{services.numbers}/readyz").json()["database"] == "failed"
    started = services.manage_all("up", "--detach")
    assert started.returncode == 0, started.stderr
    assert_healed(services, load, 5)


def test_requests_are_503_while_the_server_is_frozen(
    services: Services, server: int, load: Load
) -> None:
    with frozen(server):
        wait_for(lambda: load.statuses[503] > 100, 15)
        start = monotonic()
        assert httpx.get(f"{services.numbers}/readyz", timeout=30).status_code == 503
        assert monotonic() - start < LONGEST_WAIT
    assert_healed(services, load, 10)


def test_requests_are_503_in_time_while_a_table_is_locked(
    services: Services, superuser: psycopg2.extensions.cursor, load: Load
) -> None:
    connection = superuser.connection
    connection.autocommit = False
    superuser.execute("LOCK TABLE users.users_user IN ACCESS EXCLUSIVE MODE")
    try:
        wait_for(lambda: load.statuses[503] > 100, 15)
    finally:
        connection.rollback()
    assert_healed(services, load, 5)


def test_open_connections_are_used_while_new_ones_are_refused(
    services: Services, user: str, superuser: psycopg2.extensions.cursor
) -> None:
    def find(_: int) -> int:
        return httpx.get(f"{services.users}/users", params={"name": user}).status_code

    def each_process_has_one() -> bool:
        find(0)
        superuser.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'users_service'")
        return superuser.fetchone()[0] == 2

    superuser.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE usename = 'users_service'"
    )
    wait_for(each_process_has_one, 10)
    superuser.execute("ALTER ROLE users_service CONNECTION LIMIT 0")
    try:
        with ThreadPoolExecutor(16) as clients:
            assert Counter(clients.map(find, range(200))) == {200: 200}
        assert each_process_has_one()
    finally:
        superuser.execute("ALTER ROLE users_service CONNECTION LIMIT -1")


def test_connections_lost_between_requests_are_replaced(
    services: Services, numbers: httpx.Client, user: str, superuser: psycopg2.extensions.cursor
) -> None:
    for _ in range(20):
        numbers.post("/generate-random-number", json={"user": user})
    superuser.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE usename IN ('numbers_service', 'users_service')"
    )
    for _ in range(20):
        response = numbers.post("/generate-random-number", json={"user": user})
        assert response.status_code == 201
