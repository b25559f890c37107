"""The time budget of a request, which bounds every wait for PostgreSQL, even for a frozen server.

A request may queue behind others as long as it keeps enough time to connect and run a statement:

    QUEUE_BUDGET 2.1 + CONNECT_RESERVE 0.5 + STATEMENT_TIMEOUT 2.0 = REQUEST_BUDGET 4.6

The contract allows five seconds for an answer. PostgreSQL itself cancels a slow statement after
SERVER_STATEMENT_TIMEOUT (common/roles.py sets it); only the deadline here, a
little later, detects a frozen server or a lost network.
"""

import select
from collections import defaultdict
from threading import local
from time import monotonic
from typing import Any

from psycopg2 import extensions

from common.database.circuit_breaker import CircuitBreaker
from common.database.errors import DeadlineExceeded

# All in seconds.
QUEUE_BUDGET = 2.1
CONNECT_RESERVE = 0.5
STATEMENT_TIMEOUT = 2.0
REQUEST_BUDGET = QUEUE_BUDGET + CONNECT_RESERVE + STATEMENT_TIMEOUT
SERVER_STATEMENT_TIMEOUT = 1.5
# The minimum for each statement, even beyond the budget: an admin page sends many short ones.
MIN_STATEMENT_TIMEOUT = 0.5
# How long the circuit breaker of a server stays open after a missed deadline.
COOLDOWN = 1.0

_EVENTS = {extensions.POLL_READ: select.POLLIN, extensions.POLL_WRITE: select.POLLOUT}
_CONNECTED = 0  # libpq's CONNECTION_OK
_breakers: dict[tuple[str, int], CircuitBreaker] = defaultdict(lambda: CircuitBreaker(COOLDOWN))


class _Clock(local):
    """The end of the budget of the request in this thread or greenlet."""

    end: float | None = None


_clock = _Clock()


class request_budget:
    """`with request_budget():` limits the waits inside the block to REQUEST_BUDGET in total."""

    def __enter__(self) -> None:
        self._outer = _clock.end
        _clock.end = monotonic() + REQUEST_BUDGET

    def __exit__(self, *exception: object) -> None:
        _clock.end = self._outer


def restart() -> None:
    """Restart the budget of the request, after a wait that must not count against it."""
    if _clock.end is not None:
        _clock.end = monotonic() + REQUEST_BUDGET


def time_left() -> float:
    """Return the seconds left of the budget; outside a request, the whole budget."""
    return REQUEST_BUDGET if _clock.end is None else _clock.end - monotonic()


def queue_budget() -> float:
    """Return how many seconds the request may wait for other requests."""
    return max(0.0, time_left() - CONNECT_RESERVE - STATEMENT_TIMEOUT)


def connect_timeout() -> float:
    """Return how many seconds a connect may take, leaving time for a statement."""
    return max(0.0, min(STATEMENT_TIMEOUT, time_left() - STATEMENT_TIMEOUT))


def statement_timeout() -> float:
    """Return how many seconds a statement may take."""
    return max(MIN_STATEMENT_TIMEOUT, min(STATEMENT_TIMEOUT, time_left()))


def wait(connection: Any) -> None:
    """Wait until psycopg2 has its answer; raise DeadlineExceeded at the deadline.

    After `psycopg2.extensions.set_wait_callback`, psycopg2 calls this for every connect and
    statement, and closes the connection if it raises.
    """
    start = monotonic()
    breaker = _breakers[connection.info.host, connection.info.port]
    if breaker.is_open:
        raise DeadlineExceeded("PostgreSQL missed a deadline a moment ago.")
    is_connected = connection.info.status == _CONNECTED
    limit = statement_timeout() if is_connected else connect_timeout()
    while (state := connection.poll()) != extensions.POLL_OK:
        poll = select.poll()
        poll.register(connection.fileno(), _EVENTS[state])
        if not poll.poll(max(0.0, start + limit - monotonic()) * 1000):
            if limit == STATEMENT_TIMEOUT:  # Missing a shorter one says little about the server.
                breaker.trip()
            raise DeadlineExceeded(f"PostgreSQL did not answer in {limit:.1f} seconds.")
