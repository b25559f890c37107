"""Faults of the services' processes, and of the folder in which they count requests."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic

from tests.drill.database_faults import filled
from tests.drill.system import NotPossible, System

KILLS = 0.5  # seconds from one to the next
MOUNT = 'mount -t tmpfs -o size=4m drill /dev/shm && exec "$@"'
SMALL_MEMORY = ("unshare", "--mount", "bash", "-c", MOUNT, "bash")


@contextmanager
def workers_killed(system: System) -> Iterator[None]:
    """Worker processes killed, one after another (SIGKILL)"""
    ended = threading.Event()

    def kill_them() -> None:
        while not ended.is_set():
            with suppress(ProcessLookupError):  # It has just ended.
                os.kill(system.workers()[0], signal.SIGKILL)
            ended.wait(KILLS)

    killer = threading.Thread(target=kill_them)
    killer.start()
    try:
        yield
    finally:
        ended.set()
        killer.join()


@contextmanager
def first_process_reloaded(system: System) -> Iterator[None]:
    """The service reloaded (SIGHUP)"""
    system.send(signal.SIGHUP)
    yield


@contextmanager
def first_process_killed(system: System) -> Iterator[None]:
    """The service's first process killed (SIGKILL)"""
    workers = system.workers()
    system.send(signal.SIGKILL)
    try:
        yield
    finally:
        wait_until_gone(workers)
        system.up()


def wait_until_gone(pids: list[int]) -> None:
    """Wait until workers have noticed that their first process is gone."""
    end = monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        if monotonic() > end:
            raise RuntimeError("Workers go on without their first process.")
        threading.Event().wait(0.05)


@contextmanager
def user_service_stopped(system: System) -> Iterator[None]:
    """The user service away"""
    system.stop("users")
    try:
        yield
    finally:
        system.up()


@contextmanager
def with_small_memory(system: System) -> Iterator[None]:
    """Give the services a small /dev/shm of their own inside the block."""
    if os.geteuid():
        raise NotPossible("only root can give a service a /dev/shm of its own")
    with system.restarted(*SMALL_MEMORY):
        yield


@contextmanager
def shared_memory_full(system: System) -> Iterator[None]:
    """/dev/shm full, where the service counts requests, and its workers killed"""
    first = system.front_script.service("numbers").pid
    with filled(Path(f"/proc/{first}/root/dev/shm")):
        system.kill_workers()
        yield
