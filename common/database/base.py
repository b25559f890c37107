"""The database backend: Django's own, with the pool that Django has for psycopg 3 only."""

import socket
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import psycopg2
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.db.backends.postgresql import base
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, set_wait_callback

from common.database import deadline
from common.database.errors import DeadlineExceeded, PoolTimeout
from common.database.pool import Pool, checked_out
from common.database.sockets import is_readable

# Seconds that a request waits for others' connections when it could not open one.
FALLBACK_WAIT = 0.2


def pool_connections(size: int) -> None:
    """Let all threads or greenlets of this process share `size` connections to each database.

    From here on every wait for PostgreSQL has a deadline, and common.database.middleware returns
    connections to the pool. Commands and tests do not call this, and have their own connections.
    """
    set_wait_callback(deadline.wait)
    DatabaseWrapper.pools = {alias: Pool(size) for alias in settings.DATABASES}
    # The pool looks at a connection when it lends it.
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)


class DatabaseWrapper(base.DatabaseWrapper):
    """What a request closes goes back to the pool, for the next request."""

    pools: dict[str, Pool] = {}  # by alias

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        pool = self.pools.get(self.alias)
        if pool is None:
            return super().get_new_connection(conn_params)
        connection = pool.acquire(deadline.queue_budget())
        if connection is None or not is_open(connection):
            try:
                connection = super().get_new_connection(with_addresses(conn_params))
            except psycopg2.OperationalError as error:
                pool.release(None)
                connection = acquire_open(pool, error)
            except BaseException:
                pool.release(None)
                raise
        checked_out.wrappers.add(self)
        return connection

    def _close(self) -> None:
        pool = self.pools.get(self.alias)
        connection = self.connection
        if pool is None or connection is None:
            super()._close()  # type: ignore[misc]
            return
        in_transaction = connection.info.transaction_status != TRANSACTION_STATUS_IDLE
        # After a failure a new connection may well find another server.
        if self.errors_occurred or in_transaction or connection.closed:
            connection.close()
            connection = None
        checked_out.wrappers.discard(self)
        pool.release(connection)


def acquire_open(pool: Pool, error: psycopg2.OperationalError) -> Any:
    """Return a connection that is open already, where another cannot be opened.

    PostgreSQL refuses more at its limits, and after the role's password was changed. Raises the
    error where there is none.
    """
    if isinstance(error, DeadlineExceeded):
        raise error
    try:
        connection = pool.acquire(FALLBACK_WAIT, must_be_open=True)
    except PoolTimeout:
        raise error from None
    if not is_open(connection):
        pool.release(None)
        raise error
    return connection


def is_open(connection: Any) -> bool:
    """Return whether PostgreSQL has not closed an idle connection.

    It sends nothing on one until it closes it, so bytes to read mean that it has.
    """
    return not connection.closed and not is_readable(connection.fileno())


def with_addresses(conn_params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with the host's addresses, so that libpq need not look them up.

    libpq has no timeout for that, and under gevent it would block the whole process.
    """
    host = conn_params["host"]
    if host.startswith("/") or "," in host:
        return conn_params
    addresses = look_up(host, deadline.connect_timeout())
    hosts = ",".join([host] * len(addresses))
    return {**conn_params, "host": hosts, "hostaddr": ",".join(addresses)}


def look_up(host: str, timeout: float) -> list[str]:
    """Return a host's addresses; raise psycopg2.OperationalError where there are none in time."""
    answers: SimpleQueue[list[str] | OSError] = SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(address[0]) for *_, address in found)))
        except OSError as error:
            answers.put(error)

    # getaddrinfo cannot be interrupted. A thread that is still in it ends when it returns.
    Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=timeout)
    except Empty:
        raise DeadlineExceeded(f"Looking up {host} takes too long.") from None
    if isinstance(answer, OSError):
        raise psycopg2.OperationalError(f"{host} cannot be looked up: {answer}") from answer
    return answer
