"""Faults of PostgreSQL, of the disk below it, and of what its administrator has set."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import psycopg2

from tests.drill.system import NUMBERS, ROLE, USERS, NotPossible, System
from tests.postgres import connect, frozen, kill

MEBIBYTE = 2**20
ROOM = 16 * MEBIBYTE  # on the small disk, beside what is in the table


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


@contextmanager
def on_a_small_disk(system: System) -> Iterator[None]:
    """Keep the table of numbers on a small disk in memory inside the block."""
    if os.geteuid():
        raise NotPossible("only root can mount a small disk")
    disk = small_disk(system)
    size = int(system.execute("SELECT pg_table_size(%s)", NUMBERS)[0][0]) + ROOM
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "drill", disk],
        capture_output=True,
        text=True,
    )
    if mount.returncode:
        raise NotPossible(mount.stderr.strip())
    try:
        system.postgres.own(disk)
        system.execute(f"CREATE TABLESPACE small LOCATION '{disk}'")
        system.execute(f"ALTER TABLE {NUMBERS} SET TABLESPACE small")
        yield
        system.execute(f"ALTER TABLE {NUMBERS} SET TABLESPACE pg_default")
        system.execute("DROP TABLESPACE small")
    finally:
        # Lazily: PostgreSQL still has files open there if something has gone wrong.
        subprocess.run(["umount", "--lazy", disk], check=True)


def small_disk(system: System) -> Path:
    """Return the folder of the small disk."""
    folder = system.postgres.home / "small"
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def disk_full(system: System) -> Iterator[None]:
    """PostgreSQL's disk full"""
    with filled(small_disk(system)):
        yield


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Leave no room on a small disk inside the block."""
    filler = folder / "filler"
    try:
        with suppress(OSError), filler.open("wb", buffering=0) as file:  # until it is full
            while True:
                file.write(bytes(4096))
        yield
    finally:
        filler.unlink()
