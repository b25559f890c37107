"""What happens to each request on its way in and out."""

import re
import secrets
from collections.abc import Callable
from io import BytesIO
from typing import Any

from django.conf import settings
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from gunicorn.http.errors import ParseException
from psycopg2.errors import UniqueViolation

from common.api import errors
from common.database import deadline
from common.database.pool import release_connections
from common.observability import logs

GetResponse = Callable[[HttpRequest], HttpResponse]
BUFFER = 64 * 1024  # bytes
LARGEST_DISCARDED = 10_000_000  # bytes
REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


class RequestIDMiddleware:
    """Take over the caller's X-Request-ID, or make one, and return it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
        logs.request_id.set(request_id)
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        return response


class ConnectionMiddleware:
    """Start the clock of a request's waits, and give its connections back before it is answered.

    The answer may take a slow client long.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        deadline.restart()
        response = self.get_response(request)
        release_connections()
        return response


class BodyMiddleware:
    """Read the whole body before anything looks at it, so that all of it is there, or a 4xx.

    Django reads no body that comes without its length, although RFC 9112 lets clients send one in
    chunks, and it takes a body that was cut off for a short one.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        if chunked or length:
            expected = LARGEST_DISCARDED if chunked else length
            stream = request.META["wsgi.input"]
            try:
                body = stream.read(min(expected, settings.BODY_LIMIT + 1))
                if len(body) > settings.BODY_LIMIT:
                    discard(stream, min(expected, LARGEST_DISCARDED) - len(body))
                    return errors.too_large(request)
            except (OSError, ParseException):
                return errors.incomplete(request)
            if len(body) < length:
                return errors.incomplete(request)
            request.META["CONTENT_LENGTH"] = str(len(body))
            request._stream = BytesIO(body)
        return self.get_response(request)


def discard(stream: Any, length: int) -> None:
    """Read a body and forget it: many clients send all of it before they read the answer."""
    while length > 0 and (chunk := stream.read(min(length, BUFFER))):
        length -= len(chunk)


class DatabaseErrorMiddleware:
    """Answer where the database cannot do what a view asks of it, or will not."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Leave every other error to Django."""
        if isinstance(exception, errors.DATABASE_ERRORS):
            return errors.database_error_response(request, exception)
        if isinstance(exception, DataError):
            return errors.bad_request(request, exception)
        if isinstance(exception.__cause__, UniqueViolation):
            # The admin looks for equal names before it saves; another request came in between.
            return errors.error_response(
                request, 409, "This has just been saved by another request."
            )
        return None
