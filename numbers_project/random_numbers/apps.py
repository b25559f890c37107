"""The app of the random number service."""

from django.apps import AppConfig


class RandomNumbersConfig(AppConfig):
    """Generated numbers, and the users for whom they were drawn."""

    name = "numbers_project.random_numbers"
    verbose_name = "Random numbers"
