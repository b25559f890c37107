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
    """Return an error's message, on one line, and the kind of statement that failed.

    It names constraints and columns, but leaves out the details, which may contain personal data.
    """
    cause = error if isinstance(error, psycopg2.Error) else error.__cause__
    if not isinstance(cause, psycopg2.Error):
        return " ".join(str(error).split())
    message = cause.diag.message_primary or str(error)
    if cause.cursor and cause.cursor.query:
        message += f" ({cause.cursor.query.split(maxsplit=1)[0].decode()})"
    return " ".join(message.split())
