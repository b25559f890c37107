"""The numbers table, and the users table as this service may see it."""

import secrets

from django.contrib.postgres.indexes import BrinIndex
from django.db import connection, models
from django.db.models import F, Q
from django.db.models.functions import Now

from common.fields import NAME_LENGTH

LARGEST_LIMIT = 2**53 - 1  # the largest integer that every JSON client reads exactly
DEFAULT_LIMIT = 1000


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


class GeneratedNumberManager(models.Manager["GeneratedNumber"]):
    """Draws numbers."""

    def generate(self, user: str, limit: int = DEFAULT_LIMIT) -> "GeneratedNumber":
        """Draw a number from 0 to limit, both included, and save it for the user of that name.

        Raises UnknownUser. One statement finds the user and saves the number; the ORM would send
        two, and take twice the time.
        """
        number = secrets.randbelow(limit + 1)
        with connection.cursor() as cursor:
            cursor.execute(
                'INSERT INTO random_numbers_generatednumber (user_id, "limit", number)'
                ' SELECT id, %s, %s FROM "users"."users_user" WHERE name = %s'
                " RETURNING id, user_id, created_at",
                [limit, number, user],
            )
            row = cursor.fetchone()
        if row is None:
            raise UnknownUser(user)
        pk, user_id, created_at = row
        return GeneratedNumber(
            id=pk,
            user=User(id=user_id, name=user),
            limit=limit,
            number=number,
            created_at=created_at,
        )


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
