"""The app that all services share."""

from django.apps import AppConfig

from common.database.checks import require


class CommonConfig(AppConfig):
    """Registers the system checks."""

    name = "common"

    def ready(self) -> None:
        from common.api import checks  # noqa: F401 The import registers the checks.

        require(
            "common.E002",
            "SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)",
            "The role has no schema in which it may create tables.",
        )
