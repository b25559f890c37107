"""Error answers outside the views: unreadable bodies, and an unavailable database."""

from collections.abc import Callable

from django.db import DataError
from django.http import HttpRequest, HttpResponse
from psycopg2.errors import UniqueViolation

from common.api import bodies, errors
from common.database.errors import DATABASE_ERRORS

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
    """Turns a view's database exceptions into 503, 400 or 409 answers."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the answer to a database exception, or None for any other."""
        if isinstance(exception, DATABASE_ERRORS):
            return errors.database_error_response(request, exception)
        if isinstance(exception, DataError):
            return errors.bad_request(request, exception)
        if isinstance(exception.__cause__, UniqueViolation):
            # The admin checks uniqueness before it saves; another request saved in between.
            return errors.error_response(
                request, 409, "Another request has just saved the same value. Choose another."
            )
        return None
