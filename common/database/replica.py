"""Lists may be read from a replica of the database, which DB_READ_HOST names."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.db.models import QuerySet

from common.database.circuit_breaker import CircuitBreaker
from common.database.deadline import STATEMENT_TIMEOUT, time_left
from common.database.errors import DATABASE_ERRORS, is_overloaded, one_line
from common.database.pool import checkout

logger = logging.getLogger(__name__)

REPLICA = "replica"
breaker = CircuitBreaker(cooldown=10.0)

Rows = TypeVar("Rows")


def read(queryset: QuerySet[Any], fetch: Callable[[QuerySet[Any]], Rows]) -> Rows:
    """Fetch rows from the replica, or from the primary where there is none or while it fails.

    Rows of another database, which a router or `using` names, come from there.
    A replica may lag behind, so do not use this for what has to see a row that was just saved.
    """
    has_replica = REPLICA in settings.DATABASES and queryset.db == DEFAULT_DB_ALIAS
    if has_replica and not breaker.is_open:
        try:
            with checkout():
                return fetch(queryset.using(REPLICA))
        except DATABASE_ERRORS as error:
            if not is_overloaded(error):
                breaker.trip()
                logger.warning(
                    "The replica failed; reading from the primary for %d seconds: %s",
                    breaker.cooldown,
                    one_line(error),
                )
            if time_left() < STATEMENT_TIMEOUT:
                raise  # The primary might take too long.
    return fetch(queryset)
