"""Error answers outside the views: unreadable bodies, and an unavailable database."""

from collections.abc import Callable
from functools import cache

from django.apps import apps
from django.db import Error
from django.http import HttpRequest, HttpResponse
from psycopg2.errors import UniqueViolation

from common.api import bodies, errors

GetResponse = Callable[[HttpRequest], HttpResponse]


class BodyErrorMiddleware:
    """Answers a request whose body is too large or incomplete."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        match request.META.get(bodies.ERROR):
            case None:
                return self.get_response(request)
            case bodies.TOO_LARGE:
                return errors.too_large_body(request)
            case _:
                return errors.incomplete_body(request)


class DatabaseErrorMiddleware:
    """Turns a view's database exceptions into 503 or 409 answers."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the answer to a database exception, or None for any other.

        Values of clients are validated before they reach the database. Whatever it rejects all the
        same is a fault of ours, such as a sequence at its end, except for a name that is taken.
        """
        if is_taken(exception):
            # The admin checks uniqueness before it saves; another request saved in between.
            return errors.error_response(
                request, 409, "Another request has just saved the same value. Choose another."
            )
        if isinstance(exception, Error):
            return errors.database_error_response(request, exception)
        if is_nul(exception):
            return errors.bad_request(request, exception)
        return None


def is_nul(exception: Exception) -> bool:
    """Return whether psycopg2 was given a NUL, which only a request can contain."""
    return isinstance(exception, ValueError) and "NUL (0x00)" in str(exception)


def is_taken(exception: Exception) -> bool:
    """Return whether another row has a value that a client may choose."""
    cause = exception.__cause__
    return isinstance(cause, UniqueViolation) and cause.diag.constraint_name in unique_constraints()


@cache
def unique_constraints() -> set[str]:
    """Return the names of all models' unique constraints. That of an id, which we assign, is none.

    PostgreSQL names the constraint of a field with unique=True.
    """
    names = set()
    for meta in (model._meta for model in apps.get_models()):
        names |= {constraint.name for constraint in meta.total_unique_constraints}
        unique = (one for one in meta.local_fields if one.unique and not one.primary_key)
        names |= {f"{meta.db_table}_{field.column}_key" for field in unique}
    return names
