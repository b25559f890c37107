"""System checks of the database, which `migrate` and `check --database default` run."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import OperationalError, connections

from common.database.errors import one_line

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
