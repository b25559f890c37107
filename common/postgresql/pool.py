"""The connections that a process keeps, which requests use in turn."""

from collections import deque
from concurrent.futures import Future
from threading import Lock
from typing import Any

import psycopg2
from django.db import connections


class Pool:
    """Places for connections; who has waited longest gets the next that is free.

    Python's queues would let a request that just came overtake those that wait.
    """

    def __init__(self, size: int) -> None:
        self._lock = Lock()
        self._places: list[Any] = [None] * size
        self._waiting: deque[Future[Any]] = deque()

    def take(self, timeout: float) -> Any:
        """Return an open connection, or None where the caller is to open one.

        Raises OperationalError where none becomes free in time, in seconds.
        """
        with self._lock:
            if self._places:
                return self._places.pop()
            turn: Future[Any] = Future()
            self._waiting.append(turn)
        try:
            return turn.result(timeout)
        except TimeoutError:
            if not turn.cancel():
                return turn.result()
            raise psycopg2.OperationalError("All connections to PostgreSQL are busy.") from None

    def give_back(self, connection: Any) -> None:
        """Let the next request use a connection, or open one where this is None."""
        with self._lock:
            while self._waiting:
                turn = self._waiting.popleft()
                if turn.set_running_or_notify_cancel():
                    turn.set_result(connection)
                    return
            self._places.append(connection)


def release_connections() -> None:
    """Let other requests use what this one has taken, unless it is in a transaction."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
