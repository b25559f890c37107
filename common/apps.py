"""The app that both services share."""

from django.apps import AppConfig


class CommonConfig(AppConfig):
    """Registers the system checks."""

    name = "common"

    def ready(self) -> None:
        """Import the checks, which register themselves."""
        from common import checks  # noqa: F401
