"""The statements of the user service that the ORM cannot say."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from common.database.coalescing import coalesced


class Inserted(NamedTuple):
    """A user's row that was inserted."""

    id: int
    name: str
    created_at: datetime


@coalesced
def insert_users(names: Sequence[str]) -> list[Inserted | None]:
    """Insert users by one statement, and return None for each name that is taken.

    The registrations of one moment share the statement and its commit (`coalesced`). The ORM
    cannot combine ON CONFLICT DO NOTHING with RETURNING.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO users_user (name) SELECT unnest(%s::text[])"
            " ON CONFLICT (name) DO NOTHING RETURNING id, name, created_at",
            # Sorted, so that two statements with the same names cannot wait for each other.
            [sorted(names)],
        )
        inserted = {row[1]: Inserted(*row) for row in cursor.fetchall()}
    return [inserted.pop(name, None) for name in names]
