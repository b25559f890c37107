"""Parsers of request bodies: JSON by orjson, and forms. Invalid input is rejected, not repaired."""

import json
import re
from io import BytesIO
from typing import IO, Any
from urllib.parse import unquote_to_bytes

import orjson
from rest_framework import parsers
from rest_framework.exceptions import ParseError

from common.api.renderers import ExampleRenderer

BEYOND_64_BITS = re.compile(rb"[0-9]{19}")


class JSONParser(parsers.BaseParser):
    """Parses a JSON object. orjson also rejects NaN, lone surrogates and excessive nesting.

    orjson would round integers beyond 64 bits, so Python's own module reads those. If a key is
    repeated, its last value counts, as in most JSON libraries.
    """

    media_type = "application/json"
    renderer_class = ExampleRenderer  # for the "Raw data" form of a browsable page

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        """Return the body's object; anything else is a 400."""
        text = stream.read()
        try:
            body = orjson.loads(text)
            if BEYOND_64_BITS.search(text):
                body = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ParseError(f"The body is not JSON: {error}.") from error
        if not isinstance(body, dict):
            raise ParseError('The body is not a JSON object, like {"key": "value"}.')
        return body


class FormParser(parsers.FormParser):
    """Parses a URL-encoded form. Django alone would replace bytes that are not UTF-8."""

    def parse(self, stream: IO[Any], *args: Any, **kwargs: Any) -> Any:
        body = stream.read()
        require_utf_8(unquote_to_bytes(body), "form")
        return super().parse(BytesIO(body), *args, **kwargs)


class MultiPartParser(parsers.MultiPartParser):
    """Parses a multipart form, which the browsable pages send, or one with files."""

    def parse(self, stream: IO[Any], *args: Any, **kwargs: Any) -> Any:
        body = stream.read()
        parsed = super().parse(BytesIO(body), *args, **kwargs)
        texts = (text for name, values in parsed.data.lists() for text in (name, *values))
        # Only a file may have other bytes; Django has replaced them in texts.
        if not parsed.files or any("\ufffd" in text for text in texts):
            require_utf_8(body, "form")
        return parsed


def require_utf_8(text: bytes, name: str) -> None:
    """Raise a 400 that names the text if it is not UTF-8."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise ParseError(f"The {name} is not UTF-8.") from error
