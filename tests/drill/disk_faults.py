"""Faults of file systems that are full. They are small ones in memory, made for the drill."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.drill.system import NUMBERS, NotPossible, System

ROOM = 16 * 2**20  # bytes on PostgreSQL's small disk, beside what is in the table
MOUNT = 'mount -t tmpfs -o size=4m drill /dev/shm && exec "$@"'
SMALL_MEMORY = ("unshare", "--mount", "bash", "-c", MOUNT, "bash")


def require(*command: str) -> None:
    """Run a command that only root may run, or raise NotPossible."""
    if os.geteuid():
        raise NotPossible("only root can mount a small disk")
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise NotPossible(" ".join(result.stderr.split()))


@contextmanager
def on_a_small_disk(system: System) -> Iterator[None]:
    """Keep the table of numbers on a small disk in memory inside the block."""
    disk = small_disk(system)
    size = int(system.execute("SELECT pg_table_size(%s)", NUMBERS)[0][0]) + ROOM
    require("mount", "-t", "tmpfs", "-o", f"size={size}", "drill", str(disk))
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
        with filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def with_small_memory(system: System) -> Iterator[None]:
    """Give the services a small /dev/shm of their own inside the block."""
    require(*SMALL_MEMORY, "true")
    with system.restarted(*SMALL_MEMORY):
        yield


@contextmanager
def shared_memory_full(system: System) -> Iterator[None]:
    """/dev/shm full, where the service counts requests, and its workers killed"""
    first = system.front_script.service("numbers").pid
    with filled(Path(f"/proc/{first}/root/dev/shm")):
        system.kill_workers()
        yield
