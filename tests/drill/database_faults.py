"""Faults of PostgreSQL, and of what its administrator has set."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

import psycopg2

from tests.drill.system import ROLE, USERS, System
from tests.postgres import connect, frozen, kill


@contextmanager
def database_killed(system: System) -> Iterator[None]:
    """PostgreSQL killed (SIGKILL)"""
    kill(system.server())
    try:
        yield
    finally:
        system.start_postgres()


@contextmanager
def database_frozen(system: System) -> Iterator[None]:
    """PostgreSQL frozen (SIGSTOP)"""
    with frozen(system.server()):
        yield


@contextmanager
def database_restarted(system: System) -> Iterator[None]:
    """PostgreSQL restarted"""
    system.postgres.stop()
    system.start_postgres()
    yield


@contextmanager
def database_read_only(system: System) -> Iterator[None]:
    """PostgreSQL read-only"""
    system.execute("ALTER SYSTEM SET default_transaction_read_only = on")
    try:
        system.execute("SELECT pg_reload_conf()")
        yield
    finally:
        system.execute("ALTER SYSTEM RESET default_transaction_read_only")
        system.execute("SELECT pg_reload_conf()")


@contextmanager
def connections_used_up(system: System) -> Iterator[None]:
    """All connections to PostgreSQL taken by others"""
    with ExitStack() as others:
        administrator = others.enter_context(closing(connect(system.state))).cursor()
        administrator.execute(f"ALTER ROLE {ROLE} CONNECTION LIMIT 0")
        try:
            system.disconnect()
            occupy(system, others)
        finally:
            administrator.execute(f"ALTER ROLE {ROLE} CONNECTION LIMIT -1")
        yield


def occupy(system: System, others: ExitStack) -> None:
    """Open connections until PostgreSQL refuses more."""
    with suppress(psycopg2.OperationalError):
        while True:
            others.enter_context(closing(connect(system.state)))


@contextmanager
def password_changed(system: System) -> Iterator[None]:
    """The role's password changed, and its connections ended"""
    password = (system.state / "secrets" / "numbers_db").read_text().strip()
    system.execute(f"ALTER ROLE {ROLE} PASSWORD 'another'")
    try:
        system.disconnect()
        yield
    finally:
        system.execute(f"ALTER ROLE {ROLE} PASSWORD %s", password)


@contextmanager
def grant_revoked(system: System) -> Iterator[None]:
    """The grant to read users taken away"""
    system.execute(f"REVOKE SELECT (id, name) ON {USERS} FROM users_reader")
    try:
        yield
    finally:
        system.execute(f"GRANT SELECT (id, name) ON {USERS} TO users_reader")
