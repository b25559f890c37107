"""Make the database, the roles and the schemas: `python -m common.provision`.

For a superuser, or a role with CREATEROLE and CREATEDB. It changes nothing that is right already,
may run again at any time, and waits for another run to finish. It reads DB_HOST, DB_PORT, DB_NAME,
DB_SSLMODE and DB_SSLROOTCERT, DB_ADMIN_USER and DB_ADMIN_PASSWORD, and for each service its
password USERS_DB_PASSWORD or NUMBERS_DB_PASSWORD, and where they are set the connections that its
role may have at once, USERS_DB_CONNECTION_LIMIT or NUMBERS_DB_CONNECTION_LIMIT. A password may come
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

# Role and schema of each service, and where its password and its most connections stand.
SERVICES = {
    "users_service": ("users", "USERS_DB_PASSWORD", "USERS_DB_CONNECTION_LIMIT"),
    "numbers_service": ("numbers", "NUMBERS_DB_PASSWORD", "NUMBERS_DB_CONNECTION_LIMIT"),
}
# Who may read users. The user service grants columns to it and need not know its members.
READERS, READER = "users_reader", "numbers_service"
OLDEST_SERVER = 160000  # GRANT … WITH SET FALSE
LOCK = 7_236_451  # any number; the same for all runs
UNLIMITED = -1

# A role's own settings hold through a transaction pooler too. The timeout ends slow statements
# before the deadline of common/database/deadline.py calls the server frozen.
ROLE_SETTINGS = {
    "timezone": "UTC",
    "statement_timeout": "1500ms",
    "idle_in_transaction_session_timeout": "10s",
}


def main() -> None:
    """Provision what the environment describes."""
    passwords = {role: env.secret(variable) for role, (_, variable, _) in SERVICES.items()}
    limits = {
        role: env.integer(variable, UNLIMITED, UNLIMITED, 10_000)
        for role, (*_, variable) in SERVICES.items()
        if env.text(variable, "")
    }
    database = env.text("DB_NAME", "random")
    with closing(connect("postgres")) as admin, admin.cursor() as cursor:
        if admin.server_version < OLDEST_SERVER:
            raise ImproperlyConfigured("PostgreSQL 16 or newer is needed.")
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        for role, password in passwords.items():
            make_role(cursor, role, password)
        for role, limit in limits.items():
            statement = sql.SQL("ALTER ROLE {} CONNECTION LIMIT %s").format(sql.Identifier(role))
            cursor.execute(statement, [limit])
        make_readers(cursor)
        make_database(cursor, database)
        with closing(connect(database)) as inside, inside.cursor() as schema_cursor:
            make_schemas(schema_cursor)


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


def make_role(cursor: Any, role: str, password: str) -> None:
    """Make a service's role, or give it its password and settings anew."""
    name = sql.Identifier(role)
    if not exists(cursor, "SELECT FROM pg_roles WHERE rolname = %s", role):
        cursor.execute(sql.SQL("CREATE ROLE {}").format(name))
    # The server is sent the verifier only: a password in a statement may end up in its log.
    verifier = encrypt_password(password, role, cursor.connection, "scram-sha-256")
    cursor.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD %s").format(name), [verifier])
    for setting, value in {**ROLE_SETTINGS, "search_path": SERVICES[role][0]}.items():
        statement = sql.SQL("ALTER ROLE {} SET {} = %s").format(name, sql.Identifier(setting))
        cursor.execute(statement, [value])
    if not exists(cursor, "SELECT FROM pg_roles WHERE rolname = current_user AND rolsuper"):
        # Without being superuser, only a member may make a schema that belongs to the role.
        cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE").format(name))


def make_readers(cursor: Any) -> None:
    """Make the group role, whose rights its members have without becoming it."""
    names = sql.Identifier(READERS), sql.Identifier(READER)
    if not exists(cursor, "SELECT FROM pg_roles WHERE rolname = %s", READERS):
        cursor.execute(sql.SQL("CREATE ROLE {}").format(names[0]))
    cursor.execute(sql.SQL("GRANT {} TO {} WITH INHERIT TRUE, SET FALSE").format(*names))


def make_database(cursor: Any, database: str) -> None:
    """Make the database, which only the services may enter."""
    name = sql.Identifier(database)
    if not exists(cursor, "SELECT FROM pg_database WHERE datname = %s", database):
        cursor.execute(sql.SQL("CREATE DATABASE {}").format(name))
    cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    for role in SERVICES:
        grant = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}")
        cursor.execute(grant.format(name, sql.Identifier(role)))


def make_schemas(cursor: Any) -> None:
    """Make each service's schema, and let readers look into that of users."""
    for role, (schema, *_) in SERVICES.items():
        names = sql.Identifier(schema), sql.Identifier(role)
        cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}").format(*names))
    grant = sql.SQL("GRANT USAGE ON SCHEMA users TO {}")
    cursor.execute(grant.format(sql.Identifier(READERS)))


def exists(cursor: Any, query: str, *parameters: str) -> bool:
    """Return whether a query finds a row."""
    cursor.execute(query, parameters)
    return cursor.fetchone() is not None


if __name__ == "__main__":
    try:
        main()
    except (psycopg2.Error, ImproperlyConfigured) as error:
        sys.exit(f"The database cannot be provisioned: {error}".strip())
