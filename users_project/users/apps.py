"""The app of the user service."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    """Registered users."""

    name = "users_project.users"
    verbose_name = "Registered users"
