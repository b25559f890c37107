"""Answers to requests that gunicorn cannot parse as HTTP and therefore does not pass to Django.

gunicorn would send an HTML page. These answers have the shape and the headers of all other errors.
"""

import orjson
from gunicorn.http import errors

from common.api.security_headers import SECURITY_HEADERS
from common.observability.request_ids import HEADER, new_request_id


class Overloaded(errors.ParseException):
    """Raised for a request when too many others are being answered."""


ANSWERS: dict[type[BaseException], tuple[str, str]] = {
    errors.LimitRequestLine: (
        "414 URI Too Long",
        "The address is too long. Send a request line of at most 8190 bytes.",
    ),
    errors.LimitRequestHeaders: (
        "431 Request Header Fields Too Large",
        "The header is too large. Send at most 64 fields of at most 8190 bytes each,"
        " and 32 KiB in all.",
    ),
    errors.ExpectationFailed: (
        "417 Expectation Failed",
        "Leave out the Expect header, or set it to 100-continue.",
    ),
    Overloaded: (
        "503 Service Unavailable",
        "Too many requests are being answered. Try again in a second.",
    ),
    errors.UnsupportedTransferCoding: (
        "501 Not Implemented",
        "Send the body with Content-Length, or with Transfer-Encoding: chunked.",
    ),
}
MALFORMED = (
    "400 Bad Request",
    "This is not a valid HTTP request. Check its request line and header fields.",
)
# gunicorn derives these from its class for client errors, but they are faults of the service.
SERVER_FAULTS = (
    errors.ConfigurationProblem,
    errors.InvalidResponseHeader,
    errors.InvalidResponseHeaderName,
)
# Raised while the rest of a body is drained, after its request has been answered.
IN_A_BODY = (
    errors.ChunkMissingTerminator,
    errors.InvalidChunkExtension,
    errors.InvalidChunkSize,
)


def is_bad_request(error: BaseException) -> bool:
    """Return whether an error is the client's fault."""
    return isinstance(error, errors.ParseException) and not isinstance(error, SERVER_FAULTS)


def answer(error: BaseException) -> bytes:
    """Return the answer as bytes, or b"" if the request has been answered already."""
    if isinstance(error, IN_A_BODY):
        return b""
    status, sentence = ANSWERS.get(type(error), MALFORMED)
    body = orjson.dumps({"error": sentence})
    headers = {
        **({"Retry-After": "1"} if isinstance(error, Overloaded) else {}),
        "Connection": "close",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        HEADER: new_request_id(),
        **SECURITY_HEADERS,
    }
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
