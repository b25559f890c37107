"""Statements that a role must not be able to run, tried one by one; each is rolled back.

The table in owners.txt says what a role may do with rows. All else is tried: on each column of each
table, on each schema, and on the server.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from time import sleep
from typing import Any

import psycopg2
from psycopg2.errors import InsufficientPrivilege, LockNotAvailable

from common.services import SERVICES, service_of

# PostgreSQL locks the table for some statements before it looks at the privileges. Requests queue
# behind a statement that waits, so it waits briefly, and is tried again.
LOCK_TIMEOUT = "200ms"
TRIES = 50
PAUSE = 0.2  # seconds between two tries

ON_THE_SERVER = (
    "CREATE ROLE refused",
    "CREATE SCHEMA refused",
    "CREATE TABLE public.refused (id int)",
    "CREATE TEMPORARY TABLE refused (id int)",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY (SELECT 1) TO '/tmp/refused'",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT passwd FROM pg_shadow",
    "SELECT lo_import('/etc/hosts')",
    "SET session_replication_role = replica",
    "SET log_min_error_statement = error",
    "SET log_error_verbosity = verbose",
    "CREATE EVENT TRIGGER refused ON ddl_command_start EXECUTE FUNCTION refused()",
)
WITH_ANOTHER_ROLE = (
    "SET ROLE {other}",
    "SET SESSION AUTHORIZATION {other}",
    "ALTER ROLE {other} PASSWORD 'refused'",
    "GRANT {other} TO {role}",
    "DROP OWNED BY {other}",
)
ON_A_SCHEMA = (
    "CREATE TABLE {schema}.refused (id int)",
    "CREATE VIEW {schema}.refused AS SELECT 1",
    "CREATE SEQUENCE {schema}.refused",
    "CREATE TYPE {schema}.refused AS ENUM ('x')",
    "CREATE FUNCTION {schema}.refused() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "ALTER SCHEMA {schema} RENAME TO refused",
    "ALTER SCHEMA {schema} OWNER TO {role}",
    "DROP SCHEMA {schema} CASCADE",
    "GRANT ALL ON SCHEMA {schema} TO PUBLIC",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {schema}_owner GRANT ALL ON TABLES TO PUBLIC",
)
ON_A_TABLE = (
    "ALTER TABLE {table} ADD COLUMN refused int",
    "ALTER TABLE {table} OWNER TO {role}",
    "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE {table} SET UNLOGGED",
    "CREATE INDEX refused ON {table} ((1))",
    "CREATE POLICY refused ON {table} USING (true)",
    "CREATE RULE refused AS ON INSERT TO {table} DO INSTEAD NOTHING",
    "CREATE TRIGGER refused BEFORE INSERT ON {table}"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "COMMENT ON TABLE {table} IS 'refused'",
    "REINDEX TABLE {table}",
    "TRUNCATE {table}",
    "DROP TABLE {table} CASCADE",
    "GRANT SELECT ON {table} TO PUBLIC",
)
ON_A_SEQUENCE = ("SELECT nextval('{sequence}')", "ALTER SEQUENCE {sequence} RESTART")
ON_A_FUNCTION = ("ALTER FUNCTION {function} OWNER TO {role}", "DROP FUNCTION {function}")
# The privilege that each needs, and no other; no row is read or changed where it is not refused.
ON_A_COLUMN = {
    "SELECT": "SELECT {column} FROM {table} WHERE false",
    "INSERT": "INSERT INTO {table} ({column}) SELECT NULL WHERE false",
    "UPDATE": "UPDATE {table} SET {column} = DEFAULT WHERE false",
}
ON_ROWS = {
    "DELETE": "DELETE FROM {table} WHERE false",
    # A lock for which neither SELECT nor INSERT is enough.
    "UPDATE": "LOCK TABLE {table} IN EXCLUSIVE MODE",
}

COLUMNS = """
SELECT nspname, format('%%I.%%I', nspname, relname), quote_ident(attname)
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = ANY (%s) AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
ORDER BY 1, 2, attnum
"""
SEQUENCES = """
SELECT nspname, format('%%I.%%I', nspname, relname)
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = ANY (%s) AND relkind = 'S' ORDER BY 1, 2
"""
FUNCTIONS = """
SELECT nspname,
format('%%I.%%I(%%s)', nspname, proname, pg_get_function_identity_arguments(pg_proc.oid))
FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
WHERE nspname = ANY (%s) ORDER BY 1, 2
"""
ACLS = """
SELECT (SELECT md5(string_agg(relacl::text, ' ' ORDER BY oid)) FROM pg_class),
(SELECT md5(string_agg(nspacl::text, ' ' ORDER BY oid)) FROM pg_namespace)
"""


def not_refused(cursor: Any, owners: str) -> list[str]:
    """Return what is not refused to the current role although the table of owners says so."""
    cursor.execute("SELECT current_user")
    (role,) = cursor.fetchone()
    cursor.execute("SET lock_timeout = %s", [LOCK_TIMEOUT])
    problems = []
    for statement in dict.fromkeys(statements(cursor, role, owners)):
        outcome = attempt(cursor, statement)
        if outcome:
            problems.append(f"{outcome}: {statement}")
    return problems


def attempt(cursor: Any, statement: str) -> str:
    """Return the outcome of a statement, which is tried again where it has to wait for a lock."""
    for _ in range(TRIES):
        try:
            return outcome_of(cursor, statement)
        except LockNotAvailable:
            sleep(PAUSE)
    return "not tried, since the table was locked"


def outcome_of(cursor: Any, statement: str) -> str:
    """Try a statement, and return what happened, or nothing if it was refused."""
    cursor.execute("BEGIN")
    try:
        cursor.execute(ACLS)
        before = cursor.fetchone()
        cursor.execute(statement)
        if statement.startswith("GRANT"):
            # Who has no right to grant gets a warning only, if he has any privilege at all.
            cursor.execute(ACLS)
            return "" if cursor.fetchone() == before else "granted"
    except InsufficientPrivilege:
        return ""
    except LockNotAvailable:
        raise
    except psycopg2.Error as error:
        return f"failed with {error.pgcode}"
    finally:
        cursor.execute("ROLLBACK")
    return "done"


def statements(cursor: Any, role: str, owners: str) -> Iterator[str]:
    """Yield all statements that have to be refused to a role."""
    schemas = [service.name for service in SERVICES]
    service = service_of(role)
    own = service.name if service and role == service.owner_role else None
    yield from ON_THE_SERVER
    for other in other_roles(role):
        yield from (text.format(role=role, other=other) for text in WITH_ANOTHER_ROLE)
    for schema in schemas:
        if schema != own:
            yield from (text.format(role=role, schema=schema) for text in ON_A_SCHEMA)
    for schema, table, column in objects(cursor, COLUMNS, schemas):
        if schema != own:
            yield from on_a_table(role, table, column, allowed(owners, role))
    for schema, sequence in objects(cursor, SEQUENCES, schemas):
        if schema != own:
            yield from (text.format(sequence=sequence) for text in ON_A_SEQUENCE)
    for schema, function in objects(cursor, FUNCTIONS, schemas):
        if schema != own:
            yield from (text.format(role=role, function=function) for text in ON_A_FUNCTION)


def on_a_table(
    role: str, table: str, column: str, privileges: dict[str, set[str]]
) -> Iterator[str]:
    """Yield what has to be refused on a table, and on one of its columns."""
    on_table = privileges[f"table {table}"]
    on_column = on_table | privileges[f"column {table}.{column}"]
    yield from (text.format(role=role, table=table) for text in ON_A_TABLE)
    for privilege, text in ON_ROWS.items():
        if not on_table & {privilege, "DELETE"}:
            yield text.format(table=table)
    for privilege, text in ON_A_COLUMN.items():
        if privilege not in on_column:
            yield text.format(table=table, column=column)


def allowed(owners: str, role: str) -> dict[str, set[str]]:
    """Return the privileges of a role, and of those that it is a member of, by object."""
    lines = [re.split(" {2,}", line) for line in owners.splitlines()]
    groups = {name.removeprefix("role ") for name, member, _ in lines if member == role}
    privileges: dict[str, set[str]] = defaultdict(set)
    for name, grantee, may in lines:
        if grantee in {role, "PUBLIC", *groups}:
            privileges[name] |= set(may.split(", "))
    return privileges


def other_roles(role: str) -> list[str]:
    """Return the roles of all services but this one."""
    roles = [role for one in SERVICES for role in (one.role, one.owner_role)]
    readers = [f"{read}_reader" for one in SERVICES for read in one.reads]
    return [other for other in dict.fromkeys([*roles, *readers]) if other != role]


def objects(cursor: Any, query: str, schemas: list[str]) -> list[tuple[str, ...]]:
    """Return what a query finds in some schemas."""
    cursor.execute(query, [schemas])
    return list(cursor.fetchall())
