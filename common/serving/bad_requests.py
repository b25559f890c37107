"""What a client gets whose request cannot be read as HTTP, so that Django never sees it."""

import orjson
from gunicorn.http import errors

REFUSALS: dict[type[BaseException], tuple[str, str]] = {
    errors.LimitRequestLine: (
        "414 URI Too Long",
        "The address is too long. Send a first line of at most 8190 bytes.",
    ),
    errors.LimitRequestHeaders: (
        "431 Request Header Fields Too Large",
        "The header is too large. Send at most 100 fields of at most 8190 bytes.",
    ),
    errors.ExpectationFailed: (
        "417 Expectation Failed",
        "Leave out the field Expect, or let it say 100-continue.",
    ),
    errors.UnsupportedTransferCoding: (
        "501 Not Implemented",
        "Send the body as it is, or in chunks.",
    ),
}
MALFORMED = (
    "400 Bad Request",
    "This cannot be read as an HTTP request. Check its first line and the fields of its header.",
)
# gunicorn derives them from what a client can do wrong, but here the service is at fault.
OUR_FAULTS = (
    errors.ConfigurationProblem,
    errors.InvalidResponseHeader,
    errors.InvalidResponseHeaderName,
)
# They are found in what a probe left unread, when it has been answered.
IN_A_BODY = (
    errors.ChunkMissingTerminator,
    errors.InvalidChunkExtension,
    errors.InvalidChunkSize,
)


def is_refusal(error: BaseException) -> bool:
    """Return whether the client is at fault."""
    return isinstance(error, errors.ParseException) and not isinstance(error, OUR_FAULTS)


def refusal(error: BaseException) -> bytes:
    """Return the whole answer, in the shape that all errors have; nothing after another answer."""
    if isinstance(error, IN_A_BODY):
        return b""
    status, sentence = REFUSALS.get(type(error), MALFORMED)
    body = orjson.dumps({"error": sentence})
    header = (
        f"HTTP/1.1 {status}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return header.encode() + body
