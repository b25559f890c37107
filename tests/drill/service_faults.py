"""Faults of the services' processes."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic

from tests.drill.system import System

KILLS = 0.5  # seconds from one to the next


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
