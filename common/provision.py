"""Make the database, the roles and the schemas: `python -m common.provision`.

For a superuser, or a role with CREATEROLE and CREATEDB. It changes nothing that is right already,
may run again at any time, and waits for another run to finish. It reads DB_HOST, DB_PORT, DB_NAME,
DB_SSLMODE and DB_SSLROOTCERT, DB_ADMIN_USER and DB_ADMIN_PASSWORD; and for each service of
services.py its password, such as USERS_DB_PASSWORD, and where it is set the connection limit of its
role, such as USERS_DB_CONNECTION_LIMIT. A password may come from a file (…_FILE).
"""

import sys
from contextlib import closing
from typing import Any

import psycopg2
from django.core.exceptions import ImproperlyConfigured
from psycopg2 import sql
from psycopg2.extensions import encrypt_password

from common import env
from common.database.deadline import SERVER_STATEMENT_TIMEOUT
from common.services import SERVICES, Service, readers_of

OLDEST_SERVER = 160000  # GRANT … WITH SET FALSE
LOCK = 7_236_451  # any number; the same for all runs
UNLIMITED = -1

# A role's own settings hold through a transaction pooler too.
ROLE_SETTINGS = {
    "timezone": "UTC",
    "statement_timeout": f"{SERVER_STATEMENT_TIMEOUT * 1000:.0f}ms",
    "idle_in_transaction_session_timeout": "10s",
}


def main() -> None:
    """Provision what the environment describes."""
    passwords = {service: env.secret(f"{service.prefix}_DB_PASSWORD") for service in SERVICES}
    limits = {service: connection_limit(service) for service in SERVICES}
    database = env.text("DB_NAME", "random")
    with closing(connect("postgres")) as admin, admin.cursor() as cursor:
        if admin.server_version < OLDEST_SERVER:
            raise ImproperlyConfigured("PostgreSQL 16 or newer is needed.")
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        for service in SERVICES:
            make_role(cursor, service, passwords[service], limits[service])
        for service in SERVICES:
            make_reader(cursor, service)
        make_database(cursor, database)
        with closing(connect(database)) as inside, inside.cursor() as schema_cursor:
            for service in SERVICES:
                make_schema(schema_cursor, service)


def connection_limit(service: Service) -> int | None:
    """Return how many connections a role may have, None where that is to stay as it is."""
    name = f"{service.prefix}_DB_CONNECTION_LIMIT"
    return env.integer(name, UNLIMITED, UNLIMITED, 10_000) if env.text(name, "") else None


def connect(database: str) -> Any:
    """Connect as the administrator; each statement commits by itself."""
    connection = psycopg2.connect(
        host=env.text("DB_HOST", "localhost"),
        port=env.integer("DB_PORT", 5432, 1, 65535),
        dbname=database,
        user=env.text("DB_ADMIN_USER", "postgres"),
        password=env.secret("DB_ADMIN_PASSWORD"),
        sslmode=env.text("DB_SSLMODE", "prefer"),
        sslrootcert=env.text("DB_SSLROOTCERT", ""),
        connect_timeout=10,
    )
    connection.autocommit = True
    return connection


def make_role(cursor: Any, service: Service, password: str, limit: int | None) -> None:
    """Make a service's role, or set its password and settings again."""
    name = sql.Identifier(service.role)
    create_role(cursor, service.role)
    # The server gets the verifier only: a password in a statement may end up in its log.
    verifier = encrypt_password(password, service.role, cursor.connection, "scram-sha-256")
    cursor.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD %s").format(name), [verifier])
    for setting, value in {**ROLE_SETTINGS, "search_path": service.name}.items():
        statement = sql.SQL("ALTER ROLE {} SET {} = %s").format(name, sql.Identifier(setting))
        cursor.execute(statement, [value])
    if limit is not None:
        cursor.execute(sql.SQL("ALTER ROLE {} CONNECTION LIMIT %s").format(name), [limit])
    if not exists(cursor, "SELECT FROM pg_roles WHERE rolname = current_user AND rolsuper"):
        # Without being superuser, only a member may make a schema that belongs to the role.
        cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE").format(name))


def make_reader(cursor: Any, service: Service) -> None:
    """Make the group role of a service that others read; its members do not become it.

    The service grants columns to it in a migration of its own, and need not know its members.
    """
    readers = readers_of(service)
    if readers:
        create_role(cursor, service.reader_role)
    for reader in readers:
        names = sql.Identifier(service.reader_role), sql.Identifier(reader.role)
        cursor.execute(sql.SQL("GRANT {} TO {} WITH INHERIT TRUE, SET FALSE").format(*names))


def create_role(cursor: Any, role: str) -> None:
    """Create a role, which cannot log in yet, unless it is there."""
    if not exists(cursor, "SELECT FROM pg_roles WHERE rolname = %s", role):
        cursor.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))


def make_database(cursor: Any, database: str) -> None:
    """Make the database, to which only the services may connect."""
    name = sql.Identifier(database)
    if not exists(cursor, "SELECT FROM pg_database WHERE datname = %s", database):
        cursor.execute(sql.SQL("CREATE DATABASE {}").format(name))
    cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    for service in SERVICES:
        grant = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}")
        cursor.execute(grant.format(name, sql.Identifier(service.role)))


def make_schema(cursor: Any, service: Service) -> None:
    """Make a service's schema, and let its readers look into it."""
    names = sql.Identifier(service.name), sql.Identifier(service.role)
    cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}").format(*names))
    if readers_of(service):
        names = sql.Identifier(service.name), sql.Identifier(service.reader_role)
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(*names))


def exists(cursor: Any, query: str, *parameters: str) -> bool:
    """Return whether a query finds a row."""
    cursor.execute(query, parameters)
    return cursor.fetchone() is not None


if __name__ == "__main__":
    try:
        main()
    except (psycopg2.Error, ImproperlyConfigured) as error:
        sys.exit(f"The database cannot be provisioned: {error}".strip())
