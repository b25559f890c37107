"""Bodies of requests: JSON by orjson, and forms. What cannot be read exactly is refused."""

from io import BytesIO
from typing import IO, Any
from urllib.parse import unquote_to_bytes

import orjson
from rest_framework import parsers
from rest_framework.exceptions import ParseError

from common.api.renderers import ExampleRenderer


class JSONParser(parsers.BaseParser):
    """A JSON object. orjson also refuses NaN, lone surrogates and endless nesting."""

    media_type = "application/json"
    renderer_class = ExampleRenderer  # for the raw form of a browsable page

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        """Return the object that the body says; anything else is a 400."""
        try:
            body = orjson.loads(stream.read())
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not JSON: {error}.") from error
        if not isinstance(body, dict):
            raise ParseError('The body is not a JSON object, like {"key": "value"}.')
        return body


class FormParser(parsers.FormParser):
    """A form; Django alone would put a question mark where it is no UTF-8."""

    def parse(self, stream: IO[Any], *args: Any, **kwargs: Any) -> Any:
        body = stream.read()
        require_utf_8(unquote_to_bytes(body), "form")
        return super().parse(BytesIO(body), *args, **kwargs)


class MultiPartParser(parsers.MultiPartParser):
    """A form in parts, as the browsable pages send it."""

    def parse(self, stream: IO[Any], *args: Any, **kwargs: Any) -> Any:
        body = stream.read()
        require_utf_8(body, "form")
        return super().parse(BytesIO(body), *args, **kwargs)


def require_utf_8(text: bytes, name: str) -> None:
    """Refuse what is not UTF-8 with a 400 that names it."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise ParseError(f"The {name} is not UTF-8.") from error
