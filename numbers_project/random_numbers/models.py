"""The numbers table, and the users table as this service may see it."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from common.user_names import NAME_LENGTH
from numbers_project.random_numbers.generator import draw
from numbers_project.random_numbers.queries import (
    Draw,
    Saved,
    SavedBatch,
    insert_batch,
    insert_draws,
)

LARGEST_LIMIT = 2**53 - 1  # the largest integer that every JSON client reads exactly
DEFAULT_LIMIT = 1000
LARGEST_COUNT = 10_000


class User(models.Model):
    """A registered user. The user service owns the table; this service's role may only read it."""

    name = models.CharField(max_length=NAME_LENGTH)

    class Meta:
        managed = False
        db_table = '"users"."users_user"'

    def __str__(self) -> str:
        return self.name


class GeneratedNumberManager(models.Manager["GeneratedNumber"]):
    """Draws numbers from 0 to a limit, both included, and saves them for the user of a name.

    Where no user has the name, nothing is saved and None is returned.
    """

    def generate(self, user: str, limit: int = DEFAULT_LIMIT) -> Saved | None:
        """Draw one number."""
        (number,) = draw(limit)
        (saved,) = insert_draws([Draw(user, limit, number)])
        return saved

    def generate_many(self, user: str, limit: int, count: int) -> SavedBatch | None:
        """Draw count numbers, and save all of them or none."""
        return insert_batch(user, limit, draw(limit, count))


class GeneratedNumber(models.Model):
    """A number that was drawn from 0 to limit. It outlives the user it was drawn for."""

    # No constraint reaches into a table that another service owns, so the user may be gone.
    # Nullable, so that Django uses an outer join and keeps such rows.
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
