"""The connection pool of a process."""

from collections import deque
from threading import Event, Lock, local
from typing import Any

from common.database.errors import PoolTimeout


class _Waiter:
    """A request that waits for a connection, or for an empty slot where that will do."""

    def __init__(self, must_be_open: bool) -> None:
        self.must_be_open = must_be_open
        self.ready = Event()
        self.connection: Any = None


class Pool:
    """Slots for connections. The request that has waited longest gets the next free one.

    Python's own queues would let a request that has just come overtake those that wait.
    """

    def __init__(self, size: int) -> None:
        self._lock = Lock()
        self._slots: list[Any] = [None] * size
        self._waiting: deque[_Waiter] = deque()

    def acquire(self, timeout: float, must_be_open: bool = False) -> Any:
        """Return an open connection, or None where the caller may open one.

        Raises PoolTimeout where no slot becomes free within `timeout` seconds.
        """
        with self._lock:
            if self._slots and (self._slots[-1] or not must_be_open):
                return self._slots.pop()
            waiter = _Waiter(must_be_open)
            self._waiting.append(waiter)
        if not waiter.ready.wait(timeout):
            with self._lock:
                if waiter in self._waiting:
                    self._waiting.remove(waiter)
                    raise PoolTimeout("All connections to PostgreSQL are busy.")
        return waiter.connection

    def release(self, connection: Any) -> None:
        """Let the next request use a connection, or open one where this is None."""
        with self._lock:
            for waiter in self._waiting:
                if connection or not waiter.must_be_open:
                    self._waiting.remove(waiter)
                    waiter.connection = connection
                    waiter.ready.set()
                    return
            # Open connections are lent first: opening another one may fail.
            self._slots.insert(len(self._slots) if connection else 0, connection)


class _CheckedOut(local):
    """What this thread or greenlet has checked out of the pools.

    Django's own list of connections takes ten times as long to look at, for each request.
    """

    def __init__(self) -> None:
        self.wrappers: set[Any] = set()


checked_out = _CheckedOut()


class checkout:
    """`with checkout():` holds connections only inside the block.

    What was held before it goes back to its pool first, so that a request that waits for one
    server holds no connection to the other. A transaction keeps its connection.
    """

    def __enter__(self) -> None:
        _release_all()

    def __exit__(self, *exception: object) -> None:
        _release_all()


def _release_all() -> None:
    for wrapper in list(checked_out.wrappers):
        if not wrapper.in_atomic_block:
            wrapper.close()
