"""The numbers table, and the users table as this service may see it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import orjson
from django.contrib.postgres.indexes import BrinIndex
from django.db import connection, models
from django.db.models import F, Q
from django.db.models.functions import Now

from common.api.fields import NAME_LENGTH
from common.database.coalescing import SharedStatement
from numbers_project.random_numbers.generator import draw

LARGEST_LIMIT = 2**53 - 1  # the largest integer that every JSON client reads exactly
DEFAULT_LIMIT = 1000
LARGEST_COUNT = 10_000


class UnknownUser(Exception):
    """Nobody of this name is registered."""


class User(models.Model):
    """A registered user. The user service owns the table; this service's role may only read it."""

    name = models.CharField(max_length=NAME_LENGTH)

    class Meta:
        managed = False
        db_table = '"users"."users_user"'

    def __str__(self) -> str:
        return self.name


class Drawn(NamedTuple):
    """A number to be saved for the user of a name."""

    user: str
    limit: int
    number: int


class Saved(NamedTuple):
    """A number that was drawn and saved."""

    id: int
    user: str
    limit: int
    number: int
    created_at: datetime


class SavedBatch(NamedTuple):
    """Numbers that were drawn and saved together."""

    user: str
    limit: int
    created_at: datetime
    ids: list[int]
    numbers: list[int]


class GeneratedNumberManager(models.Manager["GeneratedNumber"]):
    """Draws numbers from 0 to a limit, both included, and saves them for the user of a name.

    One statement finds the user and saves the numbers; the ORM would send two, and take twice the
    time. Where nobody has the name nothing is saved, and UnknownUser is raised.
    """

    def generate(self, user: str, limit: int = DEFAULT_LIMIT) -> Saved:
        """Draw one number."""
        (number,) = draw(limit)
        saved = save_together(Drawn(user, limit, number))
        if saved is None:
            raise UnknownUser(user)
        return saved

    def generate_many(self, user: str, limit: int, count: int) -> SavedBatch:
        """Draw count numbers, and save all of them or none."""
        # orjson writes and reads so many numbers in a fraction of the time of str and psycopg2.
        drawn = orjson.dumps(draw(limit, count)).decode()
        with connection.cursor() as cursor:
            cursor.execute(
                "WITH saved AS ("
                ' INSERT INTO random_numbers_generatednumber (user_id, "limit", number)'
                " SELECT id, %s, unnest(%s::bigint[])"
                ' FROM "users"."users_user" WHERE name = %s'
                " RETURNING id, number, created_at)"
                " SELECT min(created_at), string_agg(id::text, ','), string_agg(number::text, ',')"
                " FROM saved",
                [limit, f"{{{drawn[1:-1]}}}", user],
            )
            created_at, *joined = cursor.fetchone()
        if created_at is None:
            raise UnknownUser(user)
        ids, numbers = (orjson.loads(f"[{text}]") for text in joined)
        return SavedBatch(user, limit, created_at, ids, numbers)


class GeneratedNumber(models.Model):
    """A number that was drawn from 0 to limit. It outlives the user it was drawn for."""

    # No constraint reaches into a table that another service owns: where the user has gone, the
    # id leads nowhere. Nullable, so that Django joins from the outside and keeps such rows.
    user = models.ForeignKey(
        User, models.DO_NOTHING, null=True, db_constraint=False, db_index=False
    )
    limit = models.BigIntegerField()
    number = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = GeneratedNumberManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(number__gte=0) & Q(number__lte=F("limit")), name="number_within_limit"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "id"], name="number_of_user"),
            BrinIndex(fields=["created_at"], name="number_created_at"),
        ]

    def __str__(self) -> str:
        return f"{self.number} of 0 to {self.limit}"


def save_drawn(drawn: Sequence[Drawn]) -> list[Saved | None]:
    """Save numbers by one statement; return None for those whose user is not registered."""
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO random_numbers_generatednumber (user_id, "limit", number)'
            ' SELECT users.id, drawn."limit", drawn.number'
            " FROM unnest(%s::text[], %s::bigint[], %s::bigint[])"
            ' AS drawn (name, "limit", number) JOIN "users"."users_user" AS users USING (name)'
            " RETURNING id,"
            ' (SELECT name FROM "users"."users_user" AS users WHERE users.id = user_id),'
            ' "limit", number, created_at',
            [list(column) for column in zip(*drawn, strict=True)],
        )
        rows = [Saved(*row) for row in cursor.fetchall()]
    # PostgreSQL does not say which row was whose, and rows that are equal may change places.
    saved: dict[Drawn, list[Saved]] = {}
    for row in rows:
        saved.setdefault(Drawn(row.user, row.limit, row.number), []).append(row)
    return [saved[one].pop() if one in saved else None for one in drawn]


save_together = SharedStatement(save_drawn)
