"""Request bodies: read whole before Django sees the request, so that a cut one is a 400."""

import re
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

BODY_LIMIT = 64 * 1024  # bytes
BUFFER = 64 * 1024  # bytes
LARGEST_DISCARDED = 10_000_000  # bytes
# The key of the environ under which one of the two stands that follow (middleware.py answers).
ERROR = "common.body_error"
TOO_LARGE, INCOMPLETE = "too large", "incomplete"
CHARSET = re.compile(r';\s*charset\s*=\s*"?([^";\s]*)', re.IGNORECASE)


def read_bodies(application: Application) -> Application:
    """Return the application, with each request's body read before it is called.

    Django reads no body that comes without its length, although RFC 9112 lets clients send one in
    chunks; it takes a body that was cut off for a short one; and some charsets in Content-Type
    make it fail before any middleware could answer.
    """

    def call(environ: Environ, start_response: Any) -> Iterable[bytes]:
        if not is_utf_8(environ.get("CONTENT_TYPE", "")):
            environ["CONTENT_TYPE"] = "unreadable"  # No parser takes it, so a body of it is a 415.
        is_chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if is_chunked or length:
            body = read_body(environ, None if is_chunked else length)
            environ["wsgi.input"] = BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
        return application(environ, start_response)

    return call


def is_utf_8(content_type: str) -> bool:
    """Return whether a Content-Type names no charset but UTF-8, nor an encoding of parameters."""
    names = CHARSET.findall(content_type)
    return "*" not in content_type and all(name.lower() in ("utf-8", "utf8") for name in names)


def read_body(environ: Environ, length: int | None) -> bytes:
    """Return a body of a length, or one in chunks where that is None.

    Where it cannot be used it is empty, and ERROR says why.
    """
    stream = environ["wsgi.input"]
    expected = LARGEST_DISCARDED if length is None else length
    try:
        body: bytes = stream.read(min(expected, BODY_LIMIT + 1))
        if len(body) > BODY_LIMIT:
            discard(stream, min(expected, LARGEST_DISCARDED) - len(body))
            environ[ERROR] = TOO_LARGE
            return b""
    except Exception:  # PEP 3333 names no exception for this, so each server raises its own.
        environ[ERROR] = INCOMPLETE
        return b""
    if len(body) < (length or 0):
        environ[ERROR] = INCOMPLETE
        return b""
    return body


def discard(stream: Any, length: int) -> None:
    """Read a body and forget it: many clients send all of it before they read the answer."""
    while length > 0 and (chunk := stream.read(min(length, BUFFER))):
        length -= len(chunk)
