"""The connections that a process keeps, which requests use in turn."""

from collections import deque
from threading import Event, Lock, local
from typing import Any

import psycopg2


class Busy(psycopg2.OperationalError):
    """Others have what is needed, and nothing is wrong with the server."""


class _Turn:
    """A request that waits for a connection."""

    def __init__(self) -> None:
        self.has_come = Event()
        self.connection: Any = None


class Pool:
    """Places for connections; who has waited longest gets the next that is free.

    Python's queues would let a request that just came overtake those that wait.
    """

    def __init__(self, size: int) -> None:
        self._lock = Lock()
        self._places: list[Any] = [None] * size
        self._waiting: deque[_Turn] = deque()

    def take(self, timeout: float) -> Any:
        """Return an open connection, or None where the caller is to open one.

        Raises Busy where none becomes free in time, in seconds.
        """
        with self._lock:
            if self._places:
                return self._places.pop()
            turn = _Turn()
            self._waiting.append(turn)
        if not turn.has_come.wait(timeout):
            with self._lock:
                if turn in self._waiting:
                    self._waiting.remove(turn)
                    raise Busy("All connections to PostgreSQL are busy.")
        return turn.connection

    def give_back(self, connection: Any) -> None:
        """Let the next request use a connection, or open one where this is None."""
        with self._lock:
            if not self._waiting:
                # Open ones are used first: who opens another one may fail.
                self._places.insert(0 if connection is None else len(self._places), connection)
                return
            turn = self._waiting.popleft()
            turn.connection = connection
            turn.has_come.set()


class _Taken(local):
    """What a greenlet has taken from the pools; each sees its own.

    Django's list of connections would take far longer to look at, and each request does.
    """

    def __init__(self) -> None:
        self.wrappers: set[Any] = set()


taken = _Taken()


def release_connections() -> None:
    """Let other requests use what this one has taken from pools, unless it is in a transaction."""
    for wrapper in list(taken.wrappers):
        if not wrapper.in_atomic_block:
            wrapper.close()
