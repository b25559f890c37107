"""Create the database, the roles and the schemas: `python -m common.provision`.

It needs a superuser, or a role with CREATEROLE and CREATEDB. It is idempotent, and concurrent runs
wait for each other. It reads DB_HOST, DB_PORT, DB_NAME, DB_SSLMODE, DB_SSLROOTCERT, DB_ADMIN_USER,
DB_ADMIN_PASSWORD and, for each service in services.py, the passwords of its two roles, such as
USERS_DB_PASSWORD and USERS_OWNER_DB_PASSWORD, and the optional connection limit of the role that it
runs as, such as USERS_DB_CONNECTION_LIMIT. A password may come from a file (…_FILE).

A service runs as a role that may read and write rows, such as users_service. The schema and all in
it belong to another, such as users_owner, which only migrations and retention log in with: so no
service can change its tables, or the rules that protect them.
"""

import sys
from contextlib import closing
from typing import Any

import psycopg2
from django.core.exceptions import ImproperlyConfigured
from psycopg2 import sql

from common import env
from common.database.errors import one_line
from common.database.locks import LockTimeout, wait_for_lock
from common.roles import (
    exists,
    limit_connections,
    login_roles,
    make_reader,
    make_roles,
    transaction,
    warn_of_names_in_the_log,
)
from common.services import SERVICES, Service, readers_of
from common.takeover import Busy, take_over

OLDEST_SERVER = 160000  # GRANT … WITH SET FALSE
LOCK = 7_236_451  # an arbitrary number, the same for every run
LOCK_PATIENCE = 120.0  # seconds to wait for another run
LOCK_TIMEOUT = "10s"  # for each statement
UNLIMITED = -1
# Everybody may enter these by default, and there take the lock above, or fill the disk.
MAINTENANCE_DATABASES = ("postgres", "template1")
PUBLIC_MAY_CONNECT = """
SELECT FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba)))
WHERE datname = %s AND grantee = 0 AND privilege_type = 'CONNECT'
"""
IS_OWNER = "SELECT FROM pg_database WHERE datname = %s AND pg_has_role(datdba, 'USAGE')"
OTHER_ROLES = """
SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper AND rolname <> ALL (%s)
"""


def main() -> None:
    """Provision the database that the environment describes."""
    passwords = {
        service: (
            env.secret(f"{service.prefix}_DB_PASSWORD"),
            env.secret(f"{service.prefix}_OWNER_DB_PASSWORD"),
        )
        for service in SERVICES
    }
    limits = {service: connection_limit(service) for service in SERVICES}
    database = env.text("DB_NAME", "random")
    with closing(connect_as_admin("postgres")) as admin, admin.cursor() as cursor:
        if admin.server_version < OLDEST_SERVER:
            raise ImproperlyConfigured("PostgreSQL 16 or newer is needed.")
        wait_for_lock(cursor, LOCK, LOCK_PATIENCE, "provisioning")
        warn_of_names_in_the_log(cursor)
        for service in SERVICES:
            make_roles(cursor, service, *passwords[service])
            limit_connections(cursor, service, limits[service])
        for service in SERVICES:
            make_reader(cursor, service)
        make_database(cursor, database)
        for maintenance in MAINTENANCE_DATABASES:
            close_to_everybody(cursor, maintenance)
        with closing(connect_as_admin(database)) as inside, inside.cursor() as schema_cursor:
            for service in SERVICES:
                make_schema(schema_cursor, service)


def connection_limit(service: Service) -> int | None:
    """Return the connection limit of a service's role, or None to leave it unchanged."""
    name = f"{service.prefix}_DB_CONNECTION_LIMIT"
    return env.integer(name, UNLIMITED, UNLIMITED, 10_000) if env.text(name, "") else None


def connect_as_admin(database: str) -> Any:
    """Connect as the administrator, in autocommit mode."""
    return connect(database, env.text("DB_ADMIN_USER", "postgres"), env.secret("DB_ADMIN_PASSWORD"))


def connect(database: str, user: str, password: str) -> Any:
    """Connect in autocommit mode to the server that the environment describes."""
    connection = psycopg2.connect(
        host=env.text("DB_HOST", "localhost"),
        port=env.integer("DB_PORT", 5432, 1, 65535),
        dbname=database,
        user=user,
        password=password,
        sslmode=env.text("DB_SSLMODE", "prefer"),
        sslrootcert=env.text("DB_SSLROOTCERT", ""),
        connect_timeout=10,
    )
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = %s", [LOCK_TIMEOUT])
    return connection


def make_database(cursor: Any, database: str) -> None:
    """Create the database if needed, and let only the services' roles connect to it."""
    name = sql.Identifier(database)
    if not exists(cursor, "SELECT FROM pg_database WHERE datname = %s", database):
        cursor.execute(sql.SQL("CREATE DATABASE {}").format(name))
    roles = sql.SQL(", ").join(map(sql.Identifier, login_roles()))
    with transaction(cursor):
        cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC, {}").format(name, roles))
        cursor.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, roles))


def close_to_everybody(cursor: Any, database: str) -> None:
    """Let nobody connect to a database by default, but leave it to the other roles that could."""
    if not exists(cursor, PUBLIC_MAY_CONNECT, database):
        return
    if not exists(cursor, IS_OWNER, database):
        print(
            f"All roles may connect to the database {database}, and this administrator may not"
            f" change that. Ask its owner to REVOKE CONNECT ON DATABASE {database} FROM PUBLIC.",
            file=sys.stderr,
        )
        return
    name = sql.Identifier(database)
    cursor.execute(OTHER_ROLES, [login_roles()])
    others = [sql.Identifier(role) for (role,) in cursor.fetchall()]
    with transaction(cursor):
        for other in others:
            cursor.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, other))
        cursor.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(name))


def make_schema(cursor: Any, service: Service) -> None:
    """Create a service's schema if needed; its service and its readers may use it."""
    take_over(cursor, service)
    schema, role, owner = map(sql.Identifier, (service.name, service.role, service.owner_role))
    cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}").format(schema, owner))
    cursor.execute(sql.SQL("ALTER SCHEMA {} OWNER TO {}").format(schema, owner))
    with transaction(cursor):
        cursor.execute(sql.SQL("REVOKE ALL ON SCHEMA {} FROM {}, PUBLIC").format(schema, role))
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, role))
    if readers_of(service):
        reader = sql.Identifier(service.reader_role)
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, reader))
    # For tables to come. A migration takes away what the service does not need, and what others
    # may read, it grants. Identity columns need no grant on their sequences.
    defaults = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} ").format(owner)
    rows = sql.SQL("IN SCHEMA {} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {}")
    cursor.execute(defaults + rows.format(schema, role))
    cursor.execute(defaults + sql.SQL("REVOKE EXECUTE ON ROUTINES FROM PUBLIC"))


if __name__ == "__main__":
    try:
        main()
    except psycopg2.Error as error:
        sys.exit(f"The database cannot be provisioned: {one_line(error)}")
    except (ImproperlyConfigured, LockTimeout, Busy) as error:
        sys.exit(f"The database cannot be provisioned: {error}")
