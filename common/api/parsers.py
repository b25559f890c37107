"""Parsers of request bodies: JSON by orjson, and forms. Invalid input is rejected, not repaired."""

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from email.parser import HeaderParser
from email.utils import collapse_rfc2231_value
from io import BytesIO
from typing import IO, Any
from urllib.parse import unquote_to_bytes

import orjson
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
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
        utf_8(unquote_to_bytes(body), "form")
        return super().parse(BytesIO(body), *args, **kwargs)


class MultiPartParser(parsers.BaseParser):
    """Parses a multipart form, which the browsable pages send, or one with files.

    Django's own parser would accept a form without its end, skip parts that it cannot read, and
    replace bytes that are not UTF-8.
    """

    media_type = "multipart/form-data"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> parsers.DataAndFiles:
        """Return the form's texts and files; a part that cannot be read is a 400."""
        texts, files = QueryDict(mutable=True), MultiValueDict[str, Any]()
        try:
            for name, filename, content in parts(stream.read(), media_type):
                if filename is None:
                    texts.appendlist(name, utf_8(content, "form"))
                elif filename:  # Browsers send an empty one where no file was chosen.
                    files.appendlist(name, SimpleUploadedFile(filename, content))
        except (TypeError, ValueError) as error:  # The header's parser raises both.
            raise ParseError(f"The form cannot be read: {error}.") from error
        return parsers.DataAndFiles(texts, files)


def parts(body: bytes, media_type: str | None) -> Iterator[tuple[str, str | None, bytes]]:
    """Yield name, file name and decoded content of each part of a multipart form (RFC 7578)."""
    boundary = HeaderParser().parsestr(f"Content-Type: {media_type}").get_boundary("")
    before, *inner = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    if not boundary or before or not inner or inner.pop().rstrip() != b"--":
        raise ParseError("The form is incomplete. Send it again.")
    for part in inner:
        lines, end, content = part.lstrip(b" \t").removeprefix(b"\r\n").partition(b"\r\n\r\n")
        header = HeaderParser().parsestr(utf_8(lines, "form"))
        name, filename = (
            header.get_param(key, header="Content-Disposition") for key in ("name", "filename")
        )
        if not isinstance(name, str) or not end or header.defects:
            raise ValueError("a part has no name")
        encoding = header.get("Content-Transfer-Encoding", "binary")
        yield name, filename and collapse_rfc2231_value(filename), decoded(content, encoding)


def decoded(content: bytes, encoding: str) -> bytes:
    """Return a part's content without its transfer encoding, which few clients still use."""
    match encoding.lower():
        case "binary" | "8bit" | "7bit":
            return content
        case "base64":
            return b64decode(b"".join(content.split()), validate=True)
    raise ValueError(f"a part has the Content-Transfer-Encoding {encoding}")


def utf_8(text: bytes, name: str) -> str:
    """Return a decoded text; raise a 400 that names the text if it is not UTF-8."""
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise ParseError(f"The {name} is not UTF-8.") from error
