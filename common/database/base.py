"""The database backend: Django's own, with the pool that it has for psycopg 3 only."""

import socket
from typing import Any

import gevent
import psycopg2
from django.db.backends.postgresql import base
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from common.database.deadline import Late, time_for_others, time_to_connect
from common.database.pool import Busy, Pool, taken
from common.database.sockets import has_arrived

# Seconds that a request waits for others' connections when it could not open one.
SHORT_TURN = 0.2


class DatabaseWrapper(base.DatabaseWrapper):
    """What a request closes goes back to the pool, for the next request."""

    # By alias; common/wsgi.py sets it, so commands and tests have connections of their own.
    pools: dict[str, Pool] = {}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        pool = self.pools.get(self.alias)
        if pool is None:
            return super().get_new_connection(conn_params)
        connection = pool.take(time_for_others())
        if connection is None or not is_open(connection):
            try:
                connection = super().get_new_connection(with_addresses(conn_params))
            except psycopg2.OperationalError as error:
                pool.give_back(None)
                connection = take_open(pool, error)
            except BaseException:
                pool.give_back(None)
                raise
        taken.wrappers.add(self)
        return connection

    def _close(self) -> None:
        pool = self.pools.get(self.alias)
        connection = self.connection
        if pool is None or connection is None:
            super()._close()  # type: ignore[misc]
            return
        in_transaction = connection.info.transaction_status != TRANSACTION_STATUS_IDLE
        # Where something failed, a new connection may well find another server.
        if self.errors_occurred or in_transaction or connection.closed:
            connection.close()
            connection = None
        taken.wrappers.discard(self)
        pool.give_back(connection)

    def is_usable(self) -> bool:
        """Return whether the connection is open; Django would ask PostgreSQL with a query."""
        return self.connection is not None and is_open(self.connection)


def take_open(pool: Pool, error: psycopg2.OperationalError) -> Any:
    """Return a connection that is open already, where another cannot be opened.

    PostgreSQL refuses more at its limits, and after the role's password was changed. Raises the
    error where there is none.
    """
    if isinstance(error, Late):
        raise error
    try:
        connection = pool.take(SHORT_TURN, has_to_be_open=True)
    except Busy:
        raise error from None
    if not is_open(connection):
        pool.give_back(None)
        raise error
    return connection


def is_open(connection: Any) -> bool:
    """Return whether PostgreSQL has not closed an idle connection.

    It says nothing on one until it closes it, so bytes to read mean that it has.
    """
    if connection.closed:
        return False
    return not has_arrived(connection.fileno())


def with_addresses(conn_params: dict[str, Any]) -> dict[str, Any]:
    """Look up the host, which libpq would do without letting other requests run meanwhile."""
    host = conn_params["host"]
    if host.startswith("/") or "," in host:
        return conn_params
    with gevent.Timeout(time_to_connect(), Late(f"Looking up {host} takes too long.")):
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise psycopg2.OperationalError(f"{host} cannot be looked up: {error}") from error
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
    hosts = ",".join([host] * len(addresses))
    return {**conn_params, "host": hosts, "hostaddr": ",".join(addresses)}
