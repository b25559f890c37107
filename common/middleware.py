"""What happens to each request on its way in and out."""

import re
import uuid
from collections.abc import Callable
from io import BytesIO
from typing import Any

from django.conf import settings
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse

from common import errors, logs

GetResponse = Callable[[HttpRequest], HttpResponse]
BUFFER = 64 * 1024  # bytes
REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


class RequestIDMiddleware:
    """Take over the caller's X-Request-ID, or make one, and return it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
        logs.request_id.set(request_id)
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        return response


class SlowClientMiddleware:
    """Hang up on clients that let a read or a write wait too long: each of them holds a thread."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        connection = request.META.get("gunicorn.socket")
        if connection is not None:
            connection.settimeout(settings.CLIENT_TIMEOUT)
        return self.get_response(request)


class BodyLimitMiddleware:
    """Refuse bodies over the limit before anything reads them, and take in chunked ones.

    Django reads no body that comes without its length; RFC 9112 lets clients send one in chunks.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        stream: Any = request
        if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
            stream = request.META["wsgi.input"]
            body = stream.read(settings.BODY_LIMIT + 1)
            request.META["CONTENT_LENGTH"] = str(len(body))
            request._stream = BytesIO(body)
        if int(request.META.get("CONTENT_LENGTH") or 0) > settings.BODY_LIMIT:
            discard(stream)
            return errors.too_large(request)
        return self.get_response(request)


def discard(stream: Any, limit: int = 10_000_000) -> None:
    """Read a body and forget it: many clients send all of it before they read the answer."""
    while limit > 0 and (chunk := stream.read(BUFFER)):
        limit -= len(chunk)


class DatabaseErrorMiddleware:
    """Answer where a view cannot have what it needs of the database: 503, or 409 in a race."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Leave every other error to Django."""
        if isinstance(exception, errors.DATABASE_ERRORS):
            return errors.database_error_response(request, exception)
        if isinstance(exception, IntegrityError):
            # The admin looks for equal names before it saves; another request came in between.
            return errors.error_response(
                request, 409, "This has just been saved by another request."
            )
        return None
