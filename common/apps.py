"""The app that both services share."""

from django.apps import AppConfig

from common.database import checks


class CommonConfig(AppConfig):
    """Registers a system check."""

    name = "common"

    def ready(self) -> None:
        checks.require(
            "common.E002",
            "SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)",
            "The role has no schema to make its tables in.",
        )
