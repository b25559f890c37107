"""The app of the random number service."""

from django.apps import AppConfig

from common.database.checks import require


class RandomNumbersConfig(AppConfig):
    """Generated numbers, and the users for whom they were drawn."""

    name = "numbers_project.random_numbers"
    verbose_name = "Random numbers"

    def ready(self) -> None:
        require(
            "random_numbers.E001",
            "SELECT coalesce(has_schema_privilege(to_regnamespace('users'), 'USAGE'), false)",
            "The role cannot read the schema users: it is not a member of users_reader.",
        )
