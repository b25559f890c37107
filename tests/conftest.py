"""Fixtures of all tests: the temporary database, and both services as running processes."""

import os
import signal
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any
from unittest.mock import patch

import pytest
from django.core.management.commands.flush import Command as Flush
from django.db import connection

from common.services import SERVICES, service_of
from local_postgres import free_port

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Services:
    """The URLs of both services, and the front script's state folder if the tests started them."""

    users: str
    numbers: str
    state: Path | None = None
    environment: dict[str, str] | None = None

    @property
    def admin_password(self) -> str:
        """The password of the account `admin` on both services."""
        if self.state is None:
            return os.environ["ADMIN_PASSWORD"]
        return (self.state / "secrets" / "admin").read_text().strip()

    def manage_all(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the front script for these services."""
        return run_front_script(self.environment or {}, *words)


def wait_for(condition: Callable[[], object], seconds: float) -> None:
    """Wait until a condition is true; fail after ten times the seconds in which it should be."""
    end = monotonic() + 10 * seconds
    while not condition():
        assert monotonic() < end, f"The condition was not met within {10 * seconds} seconds."
        threading.Event().wait(0.02)


def bare_environment(state: Path) -> dict[str, str]:
    """Return an environment without our settings, but with a state folder and free ports."""
    prefixes = [f"{service.prefix}_" for service in SERVICES]
    ours = (*prefixes, "DB_", "SECRET_KEY", "DJANGO_", "SECURE_", "STATE_DIR")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    ports = {f"{prefix}PORT": str(free_port()) for prefix in prefixes}
    return {**environment, **ports, "STATE_DIR": str(state)}


def run_front_script(
    environment: dict[str, str], *words: str, timeout: float = 600
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "manage_all.sh", *words],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=timeout,
    )


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Let the tests be interrupted: what a shell runs in the background ignores SIGINT."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def services() -> Iterator[Services]:
    """Both services: those at USERS_URL and NUMBERS_URL, or else started for the tests."""
    if "USERS_URL" in os.environ:
        yield Services(os.environ["USERS_URL"], os.environ["NUMBERS_URL"])
        return
    with tempfile.TemporaryDirectory() as folder:
        environment = bare_environment(Path(folder) / "state with a space")
        environment["CLIENT_TIMEOUT"] = "3"
        started = run_front_script(environment, "up", "--detach")
        assert started.returncode == 0, started.stderr
        yield Services(
            f"http://127.0.0.1:{environment['USERS_PORT']}",
            f"http://127.0.0.1:{environment['NUMBERS_PORT']}",
            Path(environment["STATE_DIR"]),
            environment,
        )
        ended = run_front_script(environment, "down", "--purge", "--yes")
        assert ended.returncode == 0, ended.stderr


@pytest.fixture
def name() -> str:
    """A name that no user has yet, on any system under test."""
    return f"ankur {uuid.uuid4()}"


@pytest.fixture(scope="session")
def django_db_setup() -> Iterator[None]:
    """Use the database that `manage_all.sh test` has provisioned and migrated, as in production.

    The tests run with the service's role. After a test with real transactions, pytest-django
    empties all tables, for which the role has no right, and the owner has.
    """
    assert os.environ["DB_NAME"].startswith("test_"), "Run the tests by ./manage_all.sh test"
    flush = Flush.handle

    def flush_as_owner(self: Flush, **options: Any) -> None:
        with owner_of(connection):
            flush(self, **options)

    with patch.object(Flush, "handle", flush_as_owner):
        yield


@pytest.fixture
def as_owner() -> Iterator[None]:
    """Let Django's connection be one of the owner, who may make tables: name it before `db`."""
    with owner_of(connection):
        yield


@contextmanager
def owner_of(connection: Any) -> Iterator[None]:
    """Let a connection of a service be one of its owner inside the block."""
    settings = connection.settings_dict
    service = service_of(settings["USER"])
    password = Path(os.environ[f"{service.prefix}_OWNER_DB_PASSWORD_FILE"]).read_text().strip()
    connection.close()
    connection.settings_dict = {**settings, "USER": service.owner_role, "PASSWORD": password}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = settings
