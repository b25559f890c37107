"""The connections that a process keeps, which requests use in turn."""

from collections import deque
from threading import Event, Lock, local
from typing import Any

import psycopg2


class Busy(psycopg2.OperationalError):
    """Others have what is needed, and nothing is wrong with the server."""


class _Turn:
    """A request that waits for a connection, or for an empty place if that will do."""

    def __init__(self, has_to_be_open: bool) -> None:
        self.has_to_be_open = has_to_be_open
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

    def take(self, timeout: float, has_to_be_open: bool = False) -> Any:
        """Return an open connection, or None where the caller may open one.

        Raises Busy where none becomes free in time, in seconds.
        """
        with self._lock:
            if self._places and (self._places[-1] or not has_to_be_open):
                return self._places.pop()
            turn = _Turn(has_to_be_open)
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
            for turn in self._waiting:
                if connection or not turn.has_to_be_open:
                    self._waiting.remove(turn)
                    turn.connection = connection
                    turn.has_come.set()
                    return
            # Open ones are used first: who opens another one may fail.
            self._places.insert(len(self._places) if connection else 0, connection)


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
