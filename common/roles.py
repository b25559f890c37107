"""The roles that `common.provision` makes: for each service an owner, and one that it runs as."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import encrypt_password

from common.database.deadline import SERVER_STATEMENT_TIMEOUT
from common.services import SERVICES, Service, readers_of

# Settings of a role also apply through a transaction pooler.
RUNTIME_SETTINGS = {
    "statement_timeout": f"{SERVER_STATEMENT_TIMEOUT * 1000:.0f}ms",
    "idle_in_transaction_session_timeout": "10s",
}
# Requests queue behind a migration that waits for a table: it gives up, and is to be run again.
OWNER_SETTINGS = {"lock_timeout": "1s"}
# A statement that fails may contain a person's name, and so may the details of its error.
SERVER_LOG_SETTINGS = {"log_min_error_statement": "panic", "log_error_verbosity": "terse"}
MEMBERS = """
SELECT member.rolname FROM pg_auth_members
JOIN pg_roles reader ON reader.oid = pg_auth_members.roleid
JOIN pg_roles member ON member.oid = pg_auth_members.member
WHERE reader.rolname = %s
"""


def make_roles(cursor: Any, service: Service, password: str, owner_password: str) -> None:
    """Create a service's two roles if needed, and set their passwords and settings."""
    make_role(cursor, service, service.role, password, RUNTIME_SETTINGS)
    make_role(cursor, service, service.owner_role, owner_password, OWNER_SETTINGS)


def make_role(
    cursor: Any, service: Service, role: str, password: str, settings: Mapping[str, str]
) -> None:
    """Create a role if needed; all that it, or anybody, has set on it before is replaced."""
    name = sql.Identifier(role)
    create_role(cursor, role)
    # Send only the verifier: a password in a statement may end up in the server's log.
    verifier = encrypt_password(password, role, cursor.connection, "scram-sha-256")
    # New connections must not find the role without its settings.
    with transaction(cursor):
        cursor.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD %s").format(name), [verifier])
        reset_settings(cursor, role)
        common = {"timezone": "UTC", "search_path": service.name}
        for setting, value in {**common, **settings, **server_log_settings(cursor)}.items():
            statement = sql.SQL("ALTER ROLE {} SET {} = %s").format(name, sql.Identifier(setting))
            cursor.execute(statement, [value])
    if not exists(cursor, "SELECT FROM pg_roles WHERE rolname = current_user AND rolsuper"):
        # Only a superuser or a member of the role may create a schema that the role owns.
        cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE").format(name))


def create_role(cursor: Any, role: str) -> None:
    """Create a role without login unless it exists."""
    if not exists(cursor, "SELECT FROM pg_roles WHERE rolname = %s", role):
        cursor.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))


def reset_settings(cursor: Any, role: str) -> None:
    """Remove a role's settings, also those for one database: any role may make some for itself."""
    name = sql.Identifier(role)
    cursor.execute(sql.SQL("ALTER ROLE {} RESET ALL").format(name))
    cursor.execute(
        "SELECT datname FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase"
        " WHERE setrole = %s::regrole",
        [role],
    )
    for (database,) in cursor.fetchall():
        reset = sql.SQL("ALTER ROLE {} IN DATABASE {} RESET ALL")
        cursor.execute(reset.format(name, sql.Identifier(database)))


def server_log_settings(cursor: Any) -> dict[str, str]:
    """Return the settings that keep names out of the server's log, which only some may set."""
    cursor.execute(
        "SELECT bool_and(has_parameter_privilege(name, 'SET')) FROM unnest(%s) AS name",
        [list(SERVER_LOG_SETTINGS)],
    )
    return SERVER_LOG_SETTINGS if cursor.fetchone()[0] else {}


def warn_of_names_in_the_log(cursor: Any) -> None:
    """Say so if the administrator may not keep names out of the server's log."""
    if not server_log_settings(cursor):
        settings = ", ".join(f"{name} = {value}" for name, value in SERVER_LOG_SETTINGS.items())
        print(
            "PostgreSQL's log may show people's names where a statement fails: this administrator"
            f" may not prevent it. Set in the server's configuration: {settings}",
            file=sys.stderr,
        )


def limit_connections(cursor: Any, service: Service, limit: int | None) -> None:
    """Set how many connections a service may have, or leave that unchanged."""
    if limit is not None:
        name = sql.Identifier(service.role)
        cursor.execute(sql.SQL("ALTER ROLE {} CONNECTION LIMIT %s").format(name), [limit])


def make_reader(cursor: Any, service: Service) -> None:
    """Create the group role for a service's readers, which inherit its grants but cannot SET ROLE.

    The service grants columns to it in its own migration, and need not know the members. Services
    that are no longer readers leave it.
    """
    readers = readers_of(service)
    if readers:
        create_role(cursor, service.reader_role)
    cursor.execute(MEMBERS, [service.reader_role])
    members = {member for (member,) in cursor.fetchall()}
    # Those of other roles are somebody's own decision.
    for former in members.intersection(login_roles()) - {reader.role for reader in readers}:
        names = sql.Identifier(service.reader_role), sql.Identifier(former)
        cursor.execute(sql.SQL("REVOKE {} FROM {}").format(*names))
    for reader in readers:
        names = sql.Identifier(service.reader_role), sql.Identifier(reader.role)
        cursor.execute(sql.SQL("GRANT {} TO {} WITH INHERIT TRUE, SET FALSE").format(*names))


def login_roles() -> list[str]:
    """Return all roles that log in."""
    return [role for service in SERVICES for role in (service.role, service.owner_role)]


def exists(cursor: Any, query: str, *parameters: Any) -> bool:
    """Return whether a query returns a row."""
    cursor.execute(query, parameters)
    return cursor.fetchone() is not None


@contextmanager
def transaction(cursor: Any) -> Iterator[None]:
    """Run the block's statements in one transaction of a connection in autocommit mode."""
    cursor.execute("BEGIN")
    try:
        yield
    except BaseException:
        cursor.execute("ROLLBACK")
        raise
    cursor.execute("COMMIT")
