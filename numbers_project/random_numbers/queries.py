"""SQL of the random number service: one statement each, where the ORM would need two."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import orjson
from django.db import connection

from common.database.coalescing import coalesced


class Draw(NamedTuple):
    """A drawn number that is to be saved for the user with a name."""

    user: str
    limit: int
    number: int


class Saved(NamedTuple):
    """A number that has been saved."""

    id: int
    user: str
    limit: int
    number: int
    created_at: datetime


class SavedBatch(NamedTuple):
    """Numbers that have been saved together."""

    user: str
    limit: int
    created_at: datetime
    ids: list[int]
    numbers: list[int]


@coalesced
def insert_draws(draws: Sequence[Draw]) -> list[Saved | None]:
    """Insert numbers, and return the saved rows, with None for each user who is not registered.

    Concurrent draws share the statement and its commit (`coalesced`). The statement also looks up
    the users, for which the ORM would need a second one.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO random_numbers_generatednumber (user_id, "limit", number)'
            ' SELECT users.id, draw."limit", draw.number'
            " FROM unnest(%s::text[], %s::bigint[], %s::bigint[])"
            ' AS draw (name, "limit", number) JOIN "users"."users_user" AS users USING (name)'
            " RETURNING id,"
            ' (SELECT name FROM "users"."users_user" AS users WHERE users.id = user_id),'
            ' "limit", number, created_at',
            [list(column) for column in zip(*draws, strict=True)],
        )
        rows = [Saved(*row) for row in cursor.fetchall()]
    # The order of RETURNING is not defined. Rows of equal draws are interchangeable.
    saved: dict[Draw, list[Saved]] = {}
    for row in rows:
        saved.setdefault(Draw(row.user, row.limit, row.number), []).append(row)
    return [saved[draw].pop() if draw in saved else None for draw in draws]


def insert_batch(user: str, limit: int, numbers: list[int]) -> SavedBatch | None:
    """Insert numbers for one user, all or none; return None if the user is not registered."""
    # For thousands of numbers, orjson takes a fraction of the time of str and psycopg2.
    array = orjson.dumps(numbers).decode()
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH saved AS ("
            ' INSERT INTO random_numbers_generatednumber (user_id, "limit", number)'
            " SELECT id, %s, unnest(%s::bigint[])"
            ' FROM "users"."users_user" WHERE name = %s'
            " RETURNING id, number, created_at)"
            " SELECT min(created_at), string_agg(id::text, ','), string_agg(number::text, ',')"
            " FROM saved",
            [limit, f"{{{array[1:-1]}}}", user],
        )
        created_at, *joined = cursor.fetchone()
    if created_at is None:
        return None
    ids, saved = (orjson.loads(f"[{text}]") for text in joined)
    return SavedBatch(user, limit, created_at, ids, saved)
