"""The app that all services share."""

from django.apps import AppConfig
from django.conf import settings

from common.database.checks import require
from common.services import SERVICES, Service, readers_of


class CommonConfig(AppConfig):
    """Registers the system checks."""

    name = "common"

    def ready(self) -> None:
        from common.api import checks  # noqa: F401 The import registers the checks.

        if settings.HAS_TOKENS:
            from common.api import tokens

            tokens.require_settings()

        require(
            "common.E002",
            "SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)",
            "The role has no schema in which it may create tables.",
        )
        for service in SERVICES:
            if service.role == settings.DATABASES["default"]["USER"]:
                require_readers(service)


def require_readers(service: Service) -> None:
    """Register checks that a service is read, and reads, as the list of services says."""
    if readers_of(service):
        require(
            "common.E003",
            f"SELECT to_regrole('{service.reader_role}') IS NOT NULL",
            f"The role {service.reader_role}, to which this service grants read access, does not"
            " exist.",
        )
    for owner in service.reads:
        require(
            "common.E004",
            f"SELECT coalesce(has_schema_privilege(to_regnamespace('{owner}'), 'USAGE'), false)",
            f"The role cannot read the schema {owner}: it is not a member of {owner}_reader.",
        )
