"""No request waits for PostgreSQL longer than a deadline, even when its server is frozen.

`statement_timeout` is the server's own and ends what is merely slow; it is the shorter of the two
(see common/provision.py). A frozen server or a lost network can only be noticed from here.
"""

import select
from time import monotonic
from typing import Any

import psycopg2
from psycopg2 import extensions

# Seconds for one statement or one connect. The contract allows five for a request, which waits for
# its turn (common/postgresql/base.py), then a connect, then a statement. (Looking up the host may
# take as long once more; then it is the cluster's DNS that is away.)
DEADLINE = 2.0
# Seconds in which, after a missed deadline, that server is not asked: the requests that wait for
# a connection would otherwise wait for one deadline after the other.
PAUSE = 1.0

_EVENTS = {extensions.POLL_READ: select.POLLIN, extensions.POLL_WRITE: select.POLLOUT}
_paused_until: dict[tuple[str, int], float] = {}  # by host and port


class Late(psycopg2.OperationalError):
    """PostgreSQL, or who knows its address, did not answer in time."""


def wait(connection: Any) -> None:
    """Wait until psycopg2 has its answer; raise Late at the deadline.

    psycopg2 calls it for every statement and connect once it is installed by
    `psycopg2.extensions.set_wait_callback`, and closes the connection when it raises.
    """
    start = monotonic()
    server = connection.info.host, connection.info.port
    if start < _paused_until.get(server, 0.0):
        raise Late("PostgreSQL missed a deadline a moment ago.")
    while (state := connection.poll()) != extensions.POLL_OK:
        poll = select.poll()
        poll.register(connection.fileno(), _EVENTS[state])
        if not poll.poll(max(0.0, start + DEADLINE - monotonic()) * 1000):
            _paused_until[server] = monotonic() + PAUSE
            raise Late(f"PostgreSQL did not answer in {DEADLINE} seconds.")
