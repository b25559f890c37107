"""The errors after which a later request may well succeed."""

import psycopg2
from django.db import InterfaceError, InternalError, OperationalError, ProgrammingError

# What psycopg2 raises when PostgreSQL is away, is too slow, has become read-only, or lacks a
# table or a grant: nothing is wrong with the request.
DATABASE_ERRORS = (OperationalError, InterfaceError, InternalError, ProgrammingError)


class DeadlineExceeded(psycopg2.OperationalError):
    """PostgreSQL, or the resolver of its host name, did not answer in time."""


class PoolTimeout(psycopg2.OperationalError):
    """Other requests hold all connections. Nothing is wrong with the server."""


def is_overloaded(error: BaseException) -> bool:
    """Return whether Django's error stems from too many requests, and not from the server."""
    return isinstance(error.__cause__, PoolTimeout)


def one_line(error: BaseException) -> str:
    """Return an error's message without the line breaks that libpq puts into it."""
    return " ".join(str(error).split())
