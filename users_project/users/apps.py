"""The app of the user service."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    """Users, and what may be done with them."""

    name = "users_project.users"
    verbose_name = "Registered users"
