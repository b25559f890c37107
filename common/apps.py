"""The app that all services share."""

from django.apps import AppConfig
from django.conf import settings

from common.database.checks import require
from common.services import Service, readers_of, service_of


class CommonConfig(AppConfig):
    """Registers the system checks."""

    name = "common"

    def ready(self) -> None:
        from common.api import checks  # noqa: F401 The import registers the checks.

        if settings.HAS_TOKENS:
            from common.api import tokens

            tokens.require_settings()

        role = str(settings.DATABASES["default"]["USER"])
        service = service_of(role)
        if service:
            require_schema(service, role)
            require_readers(service)


def require_schema(service: Service, role: str) -> None:
    """Register a check that a role may use its schema or, as its owner, change it."""
    privilege, verb = ("CREATE", "create") if role == service.owner_role else ("USAGE", "use")
    require(
        "common.E002",
        f"SELECT coalesce(has_schema_privilege(current_schema(), '{privilege}'), false)",
        f"The role has no schema in which it may {verb} tables.",
    )


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
            f"SELECT coalesce(has_schema_privilege('{service.role}', to_regnamespace('{owner}'),"
            " 'USAGE'), false)",
            f"{service.role} cannot read the schema {owner}: it is not a member of {owner}_reader.",
        )
