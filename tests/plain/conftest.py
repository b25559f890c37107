"""Both services on the plain path: a copy of the project, and a PostgreSQL of its own."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from common.services import SERVICES
from local_postgres import LocalPostgres
from tests.load.processes import Service
from tests.plain import copies

# The copy has to do without these: what imports them fails.
FORBIDDEN = ("gevent", "greenlet")


@dataclass
class Plain:
    """The copy and its services, and the server of their database."""

    copy: Path
    postgres: LocalPostgres
    users: Service
    numbers: Service

    @property
    def superuser(self) -> str:
        """How libpq enters the database as the superuser."""
        password = (self.postgres.state / "secrets" / "postgres").read_text()
        port = self.postgres.port()
        return f"host=127.0.0.1 port={port} dbname=random user=postgres password={password}"


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project that takes the plain path."""
    folder = tmp_path_factory.mktemp("copy")
    copies.make_plain(folder)
    return folder


@pytest.fixture(scope="session")
def without_gevent(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which nothing can import gevent."""
    folder = tmp_path_factory.mktemp("forbidden")
    for name in FORBIDDEN:
        (folder / f"{name}.py").write_text("raise ImportError('The plain path needs no gevent.')\n")
    return {"PYTHONPATH": str(folder)}


@pytest.fixture(scope="session")
def postgres(
    tmp_path_factory: pytest.TempPathFactory, copy: Path, without_gevent: dict[str, str]
) -> Iterator[LocalPostgres]:
    """A PostgreSQL server, provisioned and migrated by the copy."""
    state = tmp_path_factory.mktemp("state")
    make_secrets(state)
    server = LocalPostgres(state)
    server.start()
    try:
        provision(copy, state, without_gevent)
        yield server
    finally:
        server.purge()


def make_secrets(state: Path) -> None:
    """Make the passwords and keys of all roles and services."""
    (state / "secrets").mkdir()
    kinds = ("db", "owner_db", "secret_key")
    names = [f"{service.name}_{kind}" for service in SERVICES for kind in kinds]
    for name in ("postgres", *names):
        (state / "secrets" / name).write_text(secrets.token_urlsafe(40))


def provision(copy: Path, state: Path, environment: dict[str, str]) -> None:
    """Make the database, and all tables in it."""
    passwords = {
        f"{service.prefix}_{kind}DB_PASSWORD_FILE": str(state / "secrets" / f"{role}_db")
        for service in SERVICES
        for kind, role in (("", service.name), ("OWNER_", service.owner_role))
    }
    admin = {"DB_ADMIN_PASSWORD_FILE": str(state / "secrets" / "postgres"), **passwords}
    settings = [{**copies.settings(copy, state, service), **environment} for service in SERVICES]
    copies.run(["-m", "common.provision"], copy, {**settings[0], **admin})
    for service, its_own in zip(SERVICES, settings, strict=True):
        owner = {
            "DB_USER": service.owner_role,
            "DB_PASSWORD_FILE": str(state / "secrets" / f"{service.owner_role}_db"),
        }
        copies.run([f"{service.name}_project/manage.py", "migrate"], copy, {**its_own, **owner})


@pytest.fixture(scope="session")
def plain(copy: Path, postgres: LocalPostgres, without_gevent: dict[str, str]) -> Iterator[Plain]:
    """Both services, started as the last step says."""
    started = copies.running(copy, postgres.state, copies.plain_command, **without_gevent)
    with started as (users, numbers):
        yield Plain(copy, postgres, users, numbers)
