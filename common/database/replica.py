"""Lists may be read from a replica of the database, which DB_READ_HOST names."""

import logging
from collections.abc import Callable
from time import monotonic
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import QuerySet

from common.api.errors import DATABASE_ERRORS
from common.database.deadline import DEADLINE, time_left
from common.database.pool import Busy, release_connections

logger = logging.getLogger(__name__)

REPLICA = "replica"
# Seconds in which a replica that failed is not asked.
PAUSE = 10.0

Rows = TypeVar("Rows")
_paused_until = 0.0


def read(queryset: QuerySet[Any], fetch: Callable[[QuerySet[Any]], Rows]) -> Rows:
    """Fetch rows from the replica, or from the primary where there is none or while it fails.

    A replica may lag behind, so this is not for what has to see a row that was just saved.
    """
    global _paused_until
    if REPLICA in settings.DATABASES and monotonic() >= _paused_until:
        # Whoever waits for one server holds nothing of the other's that somebody may need.
        release_connections()
        try:
            return fetch(queryset.using(REPLICA))
        except DATABASE_ERRORS as error:
            release_connections()
            if not isinstance(error.__cause__, Busy):
                _paused_until = monotonic() + PAUSE
                logger.warning(
                    "The replica failed, so the primary is read for %d seconds: %s",
                    PAUSE,
                    " ".join(str(error).split()),
                )
            if time_left() < DEADLINE:
                raise  # The primary might take too long.
    return fetch(queryset)
