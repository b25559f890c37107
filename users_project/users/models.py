"""The users table. Other services read it: its id and name are part of the contract with them."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from common.user_names import NAME_LENGTH
from users_project.users.queries import insert_users


class UserManager(models.Manager["User"]):
    """Registers users."""

    def register(self, name: str) -> "User | None":
        """Save a new user and return it, or None where the name is taken.

        The constraint decides, so of equal names that arrive at once one is saved.
        """
        (inserted,) = insert_users([name])
        return User(**inserted._asdict()) if inserted else None


class User(models.Model):
    """A registered user, for whom numbers can be drawn."""

    # In the order of its bytes the index of a name also serves searches for its beginning.
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
