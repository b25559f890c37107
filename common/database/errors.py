"""Errors of the database after which a later request may succeed."""

import psycopg2
from django.db import InterfaceError, InternalError, OperationalError, ProgrammingError

# Raised when PostgreSQL is unavailable, too slow or read-only, or when a table or a grant is
# missing: nothing is wrong with the request.
DATABASE_ERRORS = (OperationalError, InterfaceError, InternalError, ProgrammingError)


class DeadlineExceeded(psycopg2.OperationalError):
    """PostgreSQL, or the resolver of its host name, did not answer before the deadline."""


class PoolTimeout(psycopg2.OperationalError):
    """Other requests held all connections for too long. Nothing is wrong with the server."""


def is_overloaded(error: BaseException) -> bool:
    """Return whether a Django error is due to too many requests, not to the server."""
    return isinstance(error.__cause__, PoolTimeout)


def one_line(error: BaseException) -> str:
    """Return an error's message without libpq's line breaks."""
    return " ".join(str(error).split())
