"""The users table. Other services read its columns id and name, so these are a contract."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from common.user_names import NAME_LENGTH
from users_project.users.queries import insert_users


class UserManager(models.Manager["User"]):
    """Registers users."""

    def register(self, name: str) -> "User | None":
        """Save a new user and return it, or None if the name is taken.

        The unique constraint decides, so only one of several concurrent requests succeeds.
        """
        (inserted,) = insert_users([name])
        return User(**inserted._asdict()) if inserted else None


class User(models.Model):
    """A registered user, for whom numbers can be drawn."""

    # With the collation "C", the unique index also serves searches for the beginning of a name.
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
