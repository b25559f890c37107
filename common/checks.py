"""System checks of the database, run by `migrate` and by `check --database default`."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import OperationalError, connections

HINT = "Run `python -m common.provision` as an administrator, or check the DB_ settings."


@register(Tags.database)
def check_provisioned(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """The role can log in, and has a schema of its own to make tables in."""
    messages: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        role = connection.settings_dict["USER"]
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT current_schema() IS NOT NULL"
                    " AND has_schema_privilege(current_schema(), 'CREATE')"
                )
                provisioned = cursor.fetchone()[0]
        except OperationalError as error:
            text = f"The role {role} cannot use the database: {str(error).strip()}"
            messages.append(Error(text, hint=HINT, id="common.E001"))
            continue
        if not provisioned:
            text = f"The role {role} has no schema to make its tables in."
            messages.append(Error(text, hint=HINT, id="common.E002"))
    return messages
