"""The users table. Other services read it: its id and name are part of the contract with them."""

from collections.abc import Sequence

from django.contrib.postgres.indexes import BrinIndex
from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Now

from common.api.fields import NAME_LENGTH
from common.database.coalescing import SharedStatement


class NameTaken(Exception):
    """Somebody of this name is registered already."""


class UserManager(models.Manager["User"]):
    """Registers users."""

    def register(self, name: str) -> "User":
        """Save a new user; raise NameTaken where the name is in use.

        The constraint decides, so of equal names that arrive at once one is saved.
        """
        user = save_together(name)
        if user is None:
            raise NameTaken(name)
        return user


class User(models.Model):
    """Somebody who is registered, and for whom numbers can be drawn."""

    # In the order of its bytes a name's index also serves searches for its beginning.
    name = models.CharField(max_length=NAME_LENGTH, db_collation="C")
    created_at = models.DateTimeField("registered at", db_default=Now(), editable=False)

    objects = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name"], name="user_name_unique"),
            models.CheckConstraint(condition=~Q(name=""), name="user_name_not_blank"),
        ]
        indexes = [BrinIndex(fields=["created_at"], name="user_created_at")]

    def __str__(self) -> str:
        return self.name


def save_names(names: Sequence[str]) -> list[User | None]:
    """Save new users by one statement; return None for those whose name is taken.

    The ORM cannot say ON CONFLICT DO NOTHING together with RETURNING.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO users_user (name) SELECT unnest(%s::text[])"
            " ON CONFLICT (name) DO NOTHING RETURNING id, name, created_at",
            # In one order everywhere: two statements that take the same names cannot wait for each
            # other.
            [sorted(names)],
        )
        saved = {name: User(pk, name, created_at) for pk, name, created_at in cursor.fetchall()}
    return [saved.pop(name, None) for name in names]


save_together = SharedStatement(save_names)
