"""How long a request waits for PostgreSQL at most, even when its server is frozen.

Part of its time a request keeps for its own connect and statement; the rest it may wait for others.
`statement_timeout` is the server's own and ends what is merely slow; it is shorter than DEADLINE
(see common/provision.py). A frozen server or a lost network can only be noticed from here.
"""

import select
from threading import local
from time import monotonic
from typing import Any

import psycopg2
from psycopg2 import extensions

# Seconds for all that a request waits for. The contract allows five for an answer.
PATIENCE = 4.6
# Seconds that one statement or one connect may take.
DEADLINE = 2.0
# Seconds that are kept for a connect; DEADLINE is kept for the statement after it.
CONNECT = 0.5
# Seconds that each later statement has at least: pages of the admin send many short ones.
SHORTEST = 0.5
# Seconds in which, after a missed deadline, that server is not asked: the requests that wait for
# a connection would otherwise wait for one deadline after the other.
PAUSE = 1.0

CONNECTED = 0  # libpq's CONNECTION_OK
_EVENTS = {extensions.POLL_READ: select.POLLIN, extensions.POLL_WRITE: select.POLLOUT}
_paused_until: dict[tuple[str, int], float] = {}  # by host and port


class Late(psycopg2.OperationalError):
    """PostgreSQL, or who knows its address, did not answer in time."""


class _Clock(local):
    """When a request's patience ends; each greenlet has its own request."""

    end: float | None = None


_clock = _Clock()


def restart() -> None:
    """Give what follows all the time that a request has; it counts from the first wait.

    Only requests do. What else uses the database in a process of a service has to, as well.
    """
    _clock.end = None


def time_left() -> float:
    """Return how many seconds of its patience this request has left."""
    now = monotonic()
    if _clock.end is None:
        _clock.end = now + PATIENCE
    return _clock.end - now


def time_for_others() -> float:
    """Return for how many seconds of them it may wait for others."""
    return max(0.0, time_left() - CONNECT - DEADLINE)


def time_to_connect() -> float:
    """Return how many seconds of them it has for a connect, before its statement."""
    return max(0.0, min(DEADLINE, time_left() - DEADLINE))


def time_for_statement() -> float:
    """Return how many seconds it has for a statement."""
    return max(SHORTEST, min(DEADLINE, time_left()))


def wait(connection: Any) -> None:
    """Wait until psycopg2 has its answer; raise Late at the deadline.

    psycopg2 calls it for every statement and connect once it is installed by
    `psycopg2.extensions.set_wait_callback`, and closes the connection when it raises.
    """
    start = monotonic()
    server = connection.info.host, connection.info.port
    if start < _paused_until.get(server, 0.0):
        raise Late("PostgreSQL missed a deadline a moment ago.")
    is_connected = connection.info.status == CONNECTED
    limit = time_for_statement() if is_connected else time_to_connect()
    while (state := connection.poll()) != extensions.POLL_OK:
        poll = select.poll()
        poll.register(connection.fileno(), _EVENTS[state])
        if not poll.poll(max(0.0, start + limit - monotonic()) * 1000):
            if limit == DEADLINE:
                _paused_until[server] = monotonic() + PAUSE
            raise Late(f"PostgreSQL did not answer in {limit:.1f} seconds.")
