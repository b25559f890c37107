"""Takes over a database in which the services still own what they use.

Such a database was provisioned before there were owner roles. The services go on while it happens:
everything of one service changes hands in a single transaction, which waits for its tables only
briefly, since requests queue behind it.
"""

from time import monotonic, sleep
from typing import Any

from psycopg2 import sql
from psycopg2.errors import DeadlockDetected, LockNotAvailable

from common.roles import exists, transaction
from common.services import Service

LOCK_TIMEOUT = "300ms"
PAUSE = 0.5  # seconds between two tries
PATIENCE = 60.0  # seconds for all tries; a long list keeps its table busy

OWNS_SOMETHING = """
SELECT FROM pg_shdepend WHERE refobjid = to_regrole(%s) AND deptype = 'o'
AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
# What the service may do with that by itself, which as its owner it could without a grant.
# Identity columns need no grant on their sequences.
GRANTS = """
SELECT format('GRANT USAGE ON SCHEMA %%I TO %%I', nspname, role.rolname)
FROM pg_namespace JOIN role ON nspowner = role.oid
UNION ALL
SELECT format('GRANT SELECT, INSERT, UPDATE, DELETE ON %%s TO %%I', c.oid::regclass, role.rolname)
FROM pg_class c JOIN role ON relowner = role.oid WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
UNION ALL
SELECT format('GRANT USAGE ON SEQUENCE %%s TO %%I', c.oid::regclass, role.rolname)
FROM pg_class c JOIN role ON relowner = role.oid WHERE relkind = 'S'
AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype = 'i')
UNION ALL
SELECT format('GRANT EXECUTE ON ROUTINE %%s TO %%I', p.oid::regprocedure, role.rolname)
FROM pg_proc p JOIN role ON proowner = role.oid
"""
USERS_OF_TABLES = """
SELECT string_agg(DISTINCT 'process ' || pid || ' (' || usename || ')', ', ')
FROM pg_locks JOIN pg_stat_activity USING (pid) JOIN pg_class ON pg_class.oid = relation
WHERE relowner = to_regrole(%s) AND pid <> pg_backend_pid()
"""


class Busy(Exception):
    """The tables have been in use for too long."""


def take_over(cursor: Any, service: Service) -> None:
    """Give what belongs to a service's runtime role to its owner role; raise Busy if it cannot."""
    end = monotonic() + PATIENCE
    while exists(cursor, OWNS_SOMETHING, service.role):
        try:
            with transaction(cursor):
                transfer(cursor, service)
        except (LockNotAvailable, DeadlockDetected):
            if monotonic() > end:
                raise Busy(busy_tables(cursor, service)) from None
            sleep(PAUSE)


def transfer(cursor: Any, service: Service) -> None:
    """Change the owner of everything, and leave the service the use of it."""
    cursor.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(LOCK_TIMEOUT)))
    role = "WITH role AS (SELECT oid, rolname FROM pg_roles WHERE rolname = %s)"
    cursor.execute(role + GRANTS, [service.role])
    grants = [statement for (statement,) in cursor.fetchall()]
    names = sql.Identifier(service.role), sql.Identifier(service.owner_role)
    cursor.execute(sql.SQL("REASSIGN OWNED BY {} TO {}").format(*names))
    for statement in grants:
        cursor.execute(statement)


def busy_tables(cursor: Any, service: Service) -> str:
    """Return a sentence that says who uses the tables."""
    cursor.execute(USERS_OF_TABLES, [service.role])
    users = cursor.fetchone()[0] or "processes that have ended since"
    return (
        f"The tables of {service.name} could not be given to {service.owner_role} within"
        f" {PATIENCE:g} seconds, since they are in use by {users}. Run this again."
    )
