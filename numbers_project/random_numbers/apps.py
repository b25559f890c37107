"""The app of the random number service."""

from django.apps import AppConfig

from common.database import checks


class RandomNumbersConfig(AppConfig):
    """Generated numbers, and the users for whom they are drawn."""

    name = "numbers_project.random_numbers"
    verbose_name = "Random numbers"

    def ready(self) -> None:
        checks.require(
            "random_numbers.E001",
            "SELECT coalesce(has_schema_privilege(to_regnamespace('users'), 'USAGE'), false)",
            "The role may not look into the schema users: it is no member of users_reader.",
        )
