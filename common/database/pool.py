"""The connection pool of a process, which works with threads and greenlets."""

from collections import deque
from threading import Event, Lock, local
from typing import Any

from common.database.errors import PoolTimeout


class _Waiter:
    """A request that waits for an open connection, or for any slot unless `must_be_open`."""

    def __init__(self, must_be_open: bool) -> None:
        self.must_be_open = must_be_open
        self.ready = Event()
        self.connection: Any = None


class Pool:
    """A fixed number of slots for connections. The oldest waiter gets the next free slot.

    With Python's own queues, a request that has just arrived could overtake those that wait.
    """

    def __init__(self, size: int) -> None:
        self._lock = Lock()
        self._slots: list[Any] = [None] * size
        self._waiting: deque[_Waiter] = deque()

    def acquire(self, timeout: float, must_be_open: bool = False) -> Any:
        """Return an open connection, or None if the caller may open one.

        Raises PoolTimeout if no slot becomes free within `timeout` seconds.
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
        """Hand a connection to the next waiter or the pool; None frees a slot without one."""
        with self._lock:
            for waiter in self._waiting:
                if connection or not waiter.must_be_open:
                    self._waiting.remove(waiter)
                    waiter.connection = connection
                    waiter.ready.set()
                    return
            # Open connections are acquired first: opening another one may fail.
            self._slots.insert(len(self._slots) if connection else 0, connection)


class _CheckedOut(local):
    """The database wrappers of this thread or greenlet that hold a connection.

    Iterating over Django's own list of connections for each request takes ten times as long.
    """

    def __init__(self) -> None:
        self.wrappers: set[Any] = set()


checked_out = _CheckedOut()


class checkout:
    """`with checkout():` releases the connections that are acquired inside the block.

    Those held before are released first, so that a request that waits for one server does not hold
    a connection to another. A transaction keeps its connection.
    """

    def __enter__(self) -> None:
        _release_all()

    def __exit__(self, *exception: object) -> None:
        _release_all()


def _release_all() -> None:
    for wrapper in list(checked_out.wrappers):
        if not wrapper.in_atomic_block:
            wrapper.close()
