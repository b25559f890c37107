"""SQL of the user service that the ORM cannot express."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from common.database.coalescing import coalesced


class Inserted(NamedTuple):
    """The row of a user who has just been inserted."""

    id: int
    name: str
    created_at: datetime


@coalesced
def insert_users(names: Sequence[str]) -> list[Inserted | None]:
    """Insert users, and return the inserted rows, with None for each name that is taken.

    Concurrent registrations share the statement and its commit (`coalesced`). The ORM cannot
    combine ON CONFLICT DO NOTHING with RETURNING.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO users_user (name) SELECT unnest(%s::text[])"
            " ON CONFLICT (name) DO NOTHING RETURNING id, name, created_at",
            # Sorted, so that two statements with the same names cannot deadlock.
            [sorted(names)],
        )
        inserted = {row[1]: Inserted(*row) for row in cursor.fetchall()}
    return [inserted.pop(name, None) for name in names]
