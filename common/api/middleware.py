"""Errors around the views: bodies that did not arrive, and a database that is away."""

from collections.abc import Callable

from django.db import DataError
from django.http import HttpRequest, HttpResponse
from psycopg2.errors import UniqueViolation

from common.api import bodies, errors
from common.database.errors import DATABASE_ERRORS

GetResponse = Callable[[HttpRequest], HttpResponse]


class BodyErrorMiddleware:
    """Answer a request whose body could not be read."""

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
    """Answer 503 where the database cannot, or will not, do what a view asks of it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Leave every other error to Django."""
        if isinstance(exception, DATABASE_ERRORS):
            return errors.database_error_response(request, exception)
        if isinstance(exception, DataError):
            return errors.bad_request(request, exception)
        if isinstance(exception.__cause__, UniqueViolation):
            # The admin looks for equal names before it saves; another request came in between.
            return errors.error_response(
                request, 409, "This has just been saved by another request."
            )
        return None
