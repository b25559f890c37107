"""The id of a request, in the header X-Request-ID and in each of its log lines."""

import logging
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

from common.database.errors import one_line

logger = logging.getLogger(__name__)

HEADER = "X-Request-ID"
ENVIRON = "common.request_id"  # The server's access log reads it after the middleware is done.
ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")

current: ContextVar[str | None] = ContextVar("request_id", default=None)


def new_request_id() -> str:
    """Return a random id."""
    return secrets.token_hex(16)


class RequestIDMiddleware:
    """Accepts the client's X-Request-ID or creates one, and sends it with the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if ACCEPTED.fullmatch(given) else new_request_id()
        request.META[ENVIRON] = request_id
        current.set(request_id)
        try:
            response = self.get_response(request)
        finally:
            current.set(None)
        response.headers[HEADER] = request_id
        if response.streaming:
            response.streaming_content = stream(response.streaming_content, request_id)  # type: ignore[attr-defined]
        return response


def stream(chunks: Iterable[bytes], request_id: str) -> Iterator[bytes]:
    """Yield a stream's chunks, with the request id set while they are produced."""
    current.set(request_id)
    try:
        yield from chunks
    except Exception as error:
        # The server aborts the connection, and logs the traceback without the id.
        logger.error("The answer was cut off: %s", one_line(error))
        raise
    finally:
        current.set(None)
