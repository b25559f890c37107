"""Advisory locks, which keep two processes from changing the same thing at the same time."""

from time import monotonic, sleep
from typing import Any

INTERVAL = 0.1  # seconds between two tries

HOLDERS = """
SELECT coalesce(
    string_agg('process ' || pid || ' (' || usename || ')', ', '), 'a process that has just ended'
)
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND objsubid = 1
AND (classid::bigint << 32) + objid::bigint = %s
AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class LockTimeout(Exception):
    """Somebody else has held a lock for too long."""


def wait_for_lock(cursor: Any, key: int, seconds: float, purpose: str) -> None:
    """Take an advisory lock until the session ends; after `seconds`, raise LockTimeout instead.

    It asks again and again. A statement that waits would be ended by the role's time-outs, and
    CREATE INDEX CONCURRENTLY, in the process that holds the lock, would in turn wait for it.
    """
    end = monotonic() + seconds
    while not is_taken(cursor, key):
        if monotonic() > end:
            raise LockTimeout(
                f"The lock for {purpose} was not free within {seconds:g} seconds: it is held by"
                f" {holders(cursor, key)}. Wait until that has finished, or end it; then try again."
            )
        sleep(INTERVAL)


def is_taken(cursor: Any, key: int) -> bool:
    """Take a lock if it is free, and return whether this session has it."""
    cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
    return bool(cursor.fetchone()[0])


def holders(cursor: Any, key: int) -> str:
    """Return who holds a lock, for a sentence."""
    cursor.execute(HOLDERS, [key])
    return str(cursor.fetchone()[0])
