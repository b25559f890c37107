"""Create the database, the roles and the schemas: `python -m common.provision`.

It needs a superuser, or a role with CREATEROLE and CREATEDB. It is idempotent, and concurrent runs
wait for each other. It reads DB_HOST, DB_PORT, DB_NAME, DB_SSLMODE, DB_SSLROOTCERT, DB_ADMIN_USER,
DB_ADMIN_PASSWORD and, for each service in services.py, its password, such as USERS_DB_PASSWORD, and
the optional connection limit of its role, such as USERS_DB_CONNECTION_LIMIT. A password may come
from a file (…_FILE).
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
LOCK = 7_236_451  # an arbitrary number, the same for every run
UNLIMITED = -1

# Settings of a role also apply through a transaction pooler.
ROLE_SETTINGS = {
    "timezone": "UTC",
    "statement_timeout": f"{SERVER_STATEMENT_TIMEOUT * 1000:.0f}ms",
    "idle_in_transaction_session_timeout": "10s",
}


def main() -> None:
    """Provision the database that the environment describes."""
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
    """Return the connection limit of a service's role, or None to leave it unchanged."""
    name = f"{service.prefix}_DB_CONNECTION_LIMIT"
    return env.integer(name, UNLIMITED, UNLIMITED, 10_000) if env.text(name, "") else None


def connect(database: str) -> Any:
    """Connect as the administrator, in autocommit mode."""
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
    """Create a service's role if needed, and set its password and settings."""
    name = sql.Identifier(service.role)
    create_role(cursor, service.role)
    # Send only the verifier: a password in a statement may end up in the server's log.
    verifier = encrypt_password(password, service.role, cursor.connection, "scram-sha-256")
    cursor.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD %s").format(name), [verifier])
    for setting, value in {**ROLE_SETTINGS, "search_path": service.name}.items():
        statement = sql.SQL("ALTER ROLE {} SET {} = %s").format(name, sql.Identifier(setting))
        cursor.execute(statement, [value])
    if limit is not None:
        cursor.execute(sql.SQL("ALTER ROLE {} CONNECTION LIMIT %s").format(name), [limit])
    if not exists(cursor, "SELECT FROM pg_roles WHERE rolname = current_user AND rolsuper"):
        # Only a superuser or a member of the role may create a schema that the role owns.
        cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE").format(name))


def make_reader(cursor: Any, service: Service) -> None:
    """Create the group role for a service's readers, who inherit its grants but cannot SET ROLE.

    The service grants columns to it in its own migration, and need not know the members.
    """
    readers = readers_of(service)
    if readers:
        create_role(cursor, service.reader_role)
    for reader in readers:
        names = sql.Identifier(service.reader_role), sql.Identifier(reader.role)
        cursor.execute(sql.SQL("GRANT {} TO {} WITH INHERIT TRUE, SET FALSE").format(*names))


def create_role(cursor: Any, role: str) -> None:
    """Create a role without login unless it exists."""
    if not exists(cursor, "SELECT FROM pg_roles WHERE rolname = %s", role):
        cursor.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))


def make_database(cursor: Any, database: str) -> None:
    """Create the database if needed, and let only the services' roles connect to it."""
    name = sql.Identifier(database)
    if not exists(cursor, "SELECT FROM pg_database WHERE datname = %s", database):
        cursor.execute(sql.SQL("CREATE DATABASE {}").format(name))
    cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    for service in SERVICES:
        grant = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}")
        cursor.execute(grant.format(name, sql.Identifier(service.role)))


def make_schema(cursor: Any, service: Service) -> None:
    """Create a service's schema if needed, and grant its readers USAGE."""
    names = sql.Identifier(service.name), sql.Identifier(service.role)
    cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}").format(*names))
    if readers_of(service):
        names = sql.Identifier(service.name), sql.Identifier(service.reader_role)
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(*names))


def exists(cursor: Any, query: str, *parameters: str) -> bool:
    """Return whether a query returns a row."""
    cursor.execute(query, parameters)
    return cursor.fetchone() is not None


if __name__ == "__main__":
    try:
        main()
    except (psycopg2.Error, ImproperlyConfigured) as error:
        sys.exit(f"The database cannot be provisioned: {error}".strip())
