"""Reads lists from a replica of the database, if DB_READ_HOST names one."""

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
    """Fetch rows from the replica, or from the primary if there is no replica or while it fails.

    A queryset of another database, chosen by a router or `using`, is read there. A replica may lag
    behind, so do not use this where a row that was just saved must be visible.
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
                raise  # The budget has no time left for a statement on the primary.
    return fetch(queryset)
