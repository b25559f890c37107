"""The time budget of a request: no wait for PostgreSQL is endless, even when its server is frozen.

A request may queue for others as long as enough is left for a connect and a statement of its own:

    QUEUE_BUDGET 2.1 + CONNECT_RESERVE 0.5 + STATEMENT_TIMEOUT 2.0 = REQUEST_BUDGET 4.6

The contract allows five seconds for an answer. PostgreSQL itself ends a slow statement after
SERVER_STATEMENT_TIMEOUT (set on the roles by common/provision.py); a frozen server or a lost
network can only be noticed here, a little later.
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
# What each statement has at least: pages of the admin send many short ones.
MIN_STATEMENT_TIMEOUT = 0.5
# How long a server is not asked after it has missed a deadline.
COOLDOWN = 1.0

_EVENTS = {extensions.POLL_READ: select.POLLIN, extensions.POLL_WRITE: select.POLLOUT}
_CONNECTED = 0  # libpq's CONNECTION_OK
_breakers: dict[tuple[str, int], CircuitBreaker] = defaultdict(lambda: CircuitBreaker(COOLDOWN))


class _Clock(local):
    """When the budget of the request in this thread or greenlet ends."""

    end: float | None = None


_clock = _Clock()


class request_budget:
    """`with request_budget():` gives all waits inside it REQUEST_BUDGET together."""

    def __enter__(self) -> None:
        self._outer = _clock.end
        _clock.end = monotonic() + REQUEST_BUDGET

    def __exit__(self, *exception: object) -> None:
        _clock.end = self._outer


def restart() -> None:
    """Give what follows in this request a whole budget again, after a wait that is not for us."""
    if _clock.end is not None:
        _clock.end = monotonic() + REQUEST_BUDGET


def time_left() -> float:
    """Return how many seconds of the budget are left; outside a request all of them are."""
    return REQUEST_BUDGET if _clock.end is None else _clock.end - monotonic()


def queue_budget() -> float:
    """Return how many seconds of them the request may wait for other requests."""
    return max(0.0, time_left() - CONNECT_RESERVE - STATEMENT_TIMEOUT)


def connect_timeout() -> float:
    """Return how many seconds of them it has for a connect, before its statement."""
    return max(0.0, min(STATEMENT_TIMEOUT, time_left() - STATEMENT_TIMEOUT))


def statement_timeout() -> float:
    """Return how many seconds it has for a statement."""
    return max(MIN_STATEMENT_TIMEOUT, min(STATEMENT_TIMEOUT, time_left()))


def wait(connection: Any) -> None:
    """Wait until psycopg2 has its answer; raise DeadlineExceeded at the deadline.

    psycopg2 calls this for every statement and connect once it is installed by
    `psycopg2.extensions.set_wait_callback`, and closes the connection when it raises.
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
            if limit == STATEMENT_TIMEOUT:  # A shorter one says nothing about the server.
                breaker.trip()
            raise DeadlineExceeded(f"PostgreSQL did not answer in {limit:.1f} seconds.")
