"""`migrate` runs as the owner of the tables, once at a time for each service; services do not."""

import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from common.management.commands.migrate import lock_of
from common.services import SERVICES
from tests.common.conftest import login, manage
from tests.conftest import ROOT, wait_for

NAMES = [service.name for service in SERVICES]


@pytest.fixture
def lock(superuser) -> Iterator[Any]:
    """A superuser's cursor that holds the lock of the users' migrations."""
    superuser.execute("SELECT pg_advisory_lock(%s)", [lock_of("users_owner")])
    yield superuser
    superuser.execute("SELECT pg_advisory_unlock_all()")


def test_who_holds_the_lock_for_too_long_is_named(lock) -> None:
    result = manage("users", "migrate", "--lock-patience", "0.2")
    assert result.returncode == 1
    holder = f"process {lock.connection.info.backend_pid} (postgres)"
    assert f"not free within 0.2 seconds: it is held by {holder}." in result.stderr
    assert "Traceback" not in result.stderr


def test_the_other_service_does_not_wait(lock) -> None:
    result = manage("numbers", "migrate", "--lock-patience", "0")
    assert result.returncode == 0, result.stderr


def test_it_waits_longer_than_for_a_table(lock) -> None:
    """The owner's lock_timeout, of a second, does not end it."""
    runs: list[subprocess.CompletedProcess[str]] = []
    thread = threading.Thread(target=lambda: runs.append(manage("users", "migrate")))
    thread.start()
    waits = (
        "SELECT FROM pg_stat_activity"
        " WHERE usename = 'users_owner' AND datname = current_database()"
        " AND now() - backend_start > interval '3 seconds' AND query LIKE '%advisory%'"
    )
    wait_for(lambda: lock.execute(waits) or lock.rowcount, 60)
    assert runs == []
    lock.execute("SELECT pg_advisory_unlock_all()")
    thread.join()
    assert (runs[0].returncode, runs[0].stderr) == (0, "")


def test_a_table_in_use_is_reported_without_a_traceback(superuser) -> None:
    superuser.execute("BEGIN")
    superuser.execute("LOCK TABLE users.django_migrations IN ACCESS EXCLUSIVE MODE")
    try:
        result = manage("users", "migrate")
    finally:
        superuser.execute("ROLLBACK")
    assert result.returncode == 1
    assert "A table is in use by others: canceling statement due to lock timeout" in result.stderr
    assert "Run migrate again." in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("service", NAMES)
def test_the_service_itself_does_not_migrate(service: str) -> None:
    result = manage(service, "migrate", **login(service))
    assert result.returncode == 1
    assert f"(common.E008) {service}_service may not do what migrate does." in result.stderr
    assert f"DB_USER={service}_owner" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("service", NAMES)
@pytest.mark.parametrize("words", [("migrate", "--check"), ("check", "--database", "default")])
def test_both_roles_may_look(service: str, words: tuple[str, ...]) -> None:
    for is_owner in (False, True):
        result = manage(service, *words, **login(service, is_owner))
        assert (result.returncode, result.stderr) == (0, ""), result.stdout


@pytest.mark.parametrize("service", NAMES)
def test_the_owner_does_not_serve_requests(service: str) -> None:
    settings = {**login(service, is_owner=True), "SECRET_KEY": secrets.token_hex()}
    result = subprocess.run(
        [sys.executable, "-c", f"import {service}_project.wsgi"],
        env={**os.environ, **settings, "DJANGO_SETTINGS_MODULE": f"{service}_project.settings"},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    sentence = f"(common.E009) DB_USER={service}_owner owns the tables"
    assert sentence in result.stderr
    assert f"Set DB_USER={service}_service" in result.stderr
    assert "Traceback" not in result.stderr
