"""The app of the user service."""

from django.apps import AppConfig

from common.database.checks import require


class UsersConfig(AppConfig):
    """Registered users."""

    name = "users_project.users"
    verbose_name = "Registered users"

    def ready(self) -> None:
        require(
            "users.E001",
            "SELECT to_regrole('users_reader') IS NOT NULL",
            "The role users_reader, to which this service grants read access, does not exist.",
        )
