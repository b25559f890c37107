"""JSON in and out, by orjson, which also refuses NaN, lone surrogates and endless nesting."""

from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

import orjson
from rest_framework import parsers, renderers
from rest_framework.exceptions import NotAcceptable, ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request


class JSONRenderer(renderers.BaseRenderer):
    """Write an answer as JSON."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the answer's bytes; the browsable API asks for them indented."""
        if data is None:
            return b""
        indented = "indent" in (renderer_context or {})
        return orjson.dumps(data, option=orjson.OPT_INDENT_2 if indented else None, default=str)


class ExampleRenderer(JSONRenderer):
    """Write the body that a raw form starts with, without what may be left out."""

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return super().render({k: v for k, v in data.items() if v is not None}, *args, **kwargs)


class JSONParser(parsers.BaseParser):
    """Read a body that is JSON."""

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


class ContentNegotiation(DefaultContentNegotiation):
    """Pages for whoever names text/html or a format, JSON for everybody else."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        """Return the renderer and its media type."""
        accept = request.META.get("HTTP_ACCEPT", "")
        if "text/html" in accept or "format" in request.META.get("QUERY_STRING", ""):
            with suppress(NotAcceptable):
                return super().select_renderer(request, renderers, format_suffix)
        return renderers[0], renderers[0].media_type
