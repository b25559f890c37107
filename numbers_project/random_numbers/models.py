"""The numbers table, and the columns of the users table that this service may read."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from common.user_names import NAME_LENGTH, spellings
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


class UserManager(models.Manager["User"]):
    """Finds users by name."""

    def stored_name(self, name: str) -> str:
        """Return a name in the form in which a user is stored, or would be.

        That is NFC, unless the user was stored before names were normalized.
        """
        forms = spellings(name)
        if len(forms) == 1:
            return name
        stored = set(self.filter(name__in=forms).values_list("name", flat=True))
        return next((form for form in forms if form in stored), forms[0])


class User(models.Model):
    """A registered user. The user service owns the table; this service's role may only read it."""

    name = models.CharField(max_length=NAME_LENGTH)

    objects = UserManager()

    class Meta:
        managed = False
        db_table = '"users"."users_user"'

    def __str__(self) -> str:
        return self.name


class GeneratedNumberManager(models.Manager["GeneratedNumber"]):
    """Draws numbers from 0 to `limit`, inclusive, and saves them for the user with a name.

    If there is no such user, nothing is saved and None is returned.
    """

    def generate(self, user: str, limit: int = DEFAULT_LIMIT) -> Saved | None:
        """Draw one number."""
        (number,) = draw(limit)
        (saved,) = insert_draws([Draw(user, limit, number)])
        return saved

    def generate_many(self, user: str, limit: int, count: int) -> SavedBatch | None:
        """Draw `count` numbers, and save all of them or none."""
        return insert_batch(user, limit, draw(limit, count))


class GeneratedNumber(models.Model):
    """A number that was drawn from 0 to `limit`. It is kept when its user is deleted."""

    # A constraint must not refer to another service's table, so the user may have been deleted.
    # Nullable, so that Django uses an outer join, which keeps such rows.
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


class IdempotencyKey(models.Model):
    """The answer to a draw with an Idempotency-Key, which repeats of the request get again.

    It is kept for a day; idempotency.py reads and writes it.
    """

    key = models.TextField(db_collation="C")
    request = models.TextField(help_text="The user, limit and count, as JSON.")
    answer = models.TextField(help_text="The body of the answer.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        # Not unique=True, with which Django makes a second index for LIKE.
        constraints = [models.UniqueConstraint(fields=["key"], name="idempotency_key_unique")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_created_at")]

    def __str__(self) -> str:
        return self.key
