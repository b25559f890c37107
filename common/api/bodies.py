"""Reads each request body completely before calling Django, so that a truncated one is a 400."""

import logging
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from io import BytesIO
from typing import Any

logger = logging.getLogger(__name__)

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

BODY_LIMIT = 64 * 1024  # bytes
BUFFER = 64 * 1024  # bytes
LARGEST_DISCARDED = 10_000_000  # bytes
# The WSGI environ key under which read_bodies reports one of these two errors to middleware.py.
ERROR = "common.body_error"
# Parsing a cookie took time that grew with the square of its backslashes before Python 3.11.10,
# 3.12.6 and 3.13 (CVE-2024-7592). The admin's cookies have none.
COOKIE_BACKSLASHES = 100
TOO_LARGE, INCOMPLETE = "too large", "incomplete"
CHARSET = re.compile(r';\s*charset\s*=\s*"?([^";\s]*)', re.IGNORECASE)


def read_bodies(application: Application) -> Application:
    """Wrap a WSGI application so that each request's body is read before it is called.

    Django ignores a body without Content-Length, although RFC 9112 allows a chunked one; it treats
    a truncated body as a short one; and some charsets in Content-Type make it raise before any
    middleware runs.
    """

    def call(environ: Environ, start_response: Any) -> Iterable[bytes]:
        if not is_utf_8(environ.get("CONTENT_TYPE", "")):
            environ["CONTENT_TYPE"] = "unreadable"  # No parser accepts it, so the answer is a 415.
        if environ.get("HTTP_COOKIE", "").count("\\") > COOKIE_BACKSLASHES:
            del environ["HTTP_COOKIE"]
        is_chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        given = environ.get("CONTENT_LENGTH") or "0"
        if not (given.isascii() and given.isdecimal()):  # gunicorn refuses it; others may not
            environ |= {ERROR: INCOMPLETE, "CONTENT_LENGTH": "0"}
        elif is_chunked or int(given):
            body = read_body(environ, None if is_chunked else int(given))
            environ["wsgi.input"] = BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
        return application(environ, start_response)

    return call


def is_utf_8(content_type: str) -> bool:
    """Return whether a Content-Type has no charset but UTF-8 and no RFC 2231 parameter."""
    names = CHARSET.findall(content_type)
    return "*" not in content_type and all(name.lower() in ("utf-8", "utf8") for name in names)


def read_body(environ: Environ, length: int | None) -> bytes:
    """Return a body of `length` bytes, or a chunked one if that is None.

    If the body is too large or incomplete, return b"" and set ERROR in the environ.
    """
    stream = environ["wsgi.input"]
    expected = LARGEST_DISCARDED if length is None else length
    try:
        body: bytes = stream.read(min(expected, BODY_LIMIT + 1))
    except ConnectionError:  # Nobody is left to be answered.
        raise
    except Exception as error:  # PEP 3333 does not specify one, so each server raises its own.
        logger.info("The body could not be read: %s", type(error).__name__)
        environ[ERROR] = INCOMPLETE
        return b""
    if len(body) > BODY_LIMIT:
        environ[ERROR] = TOO_LARGE
        discard(stream, min(expected, LARGEST_DISCARDED) - len(body))
        return b""
    if len(body) < (length or 0):
        environ[ERROR] = INCOMPLETE
        return b""
    return body


def discard(stream: Any, length: int) -> None:
    """Read and drop the rest of a body: many clients send all of it before reading the answer.

    The server may refuse to read on; common/serving does, and drops the rest after the answer.
    """
    with suppress(Exception):  # The body is refused whether or not its rest can be read.
        while length > 0 and (chunk := stream.read(min(length, BUFFER))):
            length -= len(chunk)
