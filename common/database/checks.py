"""System checks of the database, which `migrate` and `check --database default` run.

The roles of a service are checked where they matter: its owner changes tables, and it runs as the
other one.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError
from django.db import OperationalError, connections

from common.database.errors import one_line
from common.services import service_of

HINT = "Run `python -m common.provision` as an administrator, or check the DB_ settings."


def require(check_id: str, query: str, sentence: str) -> None:
    """Register a check that fails with `sentence` unless the query returns true."""

    def check(
        app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
    ) -> list[CheckMessage]:
        messages: list[CheckMessage] = []
        for alias in databases or []:
            try:
                with connections[alias].cursor() as cursor:
                    cursor.execute(query)
                    if not cursor.fetchone()[0]:
                        messages.append(Error(sentence, hint=HINT, id=check_id))
            except OperationalError as error:
                text = f"The database cannot be used: {one_line(error)}"
                messages.append(Error(text, hint=HINT, id="common.E001"))
        return messages

    register(check, Tags.database)


def require_owner(role: str, command: str) -> None:
    """Raise CommandError if a role runs a command that is for the owner of its tables."""
    service = service_of(role)
    if service and role != service.owner_role:
        raise CommandError(
            f"(common.E008) {role} may not do what {command} does. Run it as {service.owner_role}:"
            f" set DB_USER={service.owner_role}, and DB_PASSWORD to that role's password."
        )


def refuse_owner() -> None:
    """Raise ImproperlyConfigured if requests would be served by the role that owns the tables."""
    role = str(settings.DATABASES["default"]["USER"])
    service = service_of(role)
    if service and role == service.owner_role:
        raise ImproperlyConfigured(
            f"(common.E009) DB_USER={role} owns the tables, and is for migrations only. Set"
            f" DB_USER={service.role}, and DB_PASSWORD to that role's password."
        )
