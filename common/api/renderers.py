"""Renderers of answers: JSON by orjson, and the browsable pages."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson
from rest_framework import renderers
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.utils.serializer_helpers import ReturnDict


class JSONRenderer(renderers.JSONRenderer):
    """Write an answer by orjson, and what orjson does not know as REST framework does.

    So dates, decimals, durations and lazy texts look as everywhere in REST framework. NaN and the
    infinities become null, as in JavaScript.
    """

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
        option = orjson.OPT_PASSTHROUGH_DATETIME | (orjson.OPT_INDENT_2 if indented else 0)
        try:
            return orjson.dumps(data, option=option)
        except TypeError:
            rendered: bytes = super().render(data, accepted_media_type, renderer_context)
            return rendered


class ExampleRenderer(JSONRenderer):
    """Write the body that a raw form starts with, without optional fields."""

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return super().render({k: v for k, v in data.items() if v is not None}, *args, **kwargs)


class BrowsableAPIRenderer(renderers.BrowsableAPIRenderer):
    """REST framework's pages, where a form keeps what was entered."""

    def get_rendered_html_form(self, data: Any, view: Any, method: str, request: Request) -> Any:
        """Show errors beside their fields, also those that only the database could find."""
        readable = isinstance(data, dict) and ("error" not in data or "fields" in data)
        if readable and method == request.method == "POST":
            serializer = view.get_serializer(data=request.data)
            serializer.is_valid()
            serializer._errors = data.get("fields", {})
            data = ReturnDict(data, serializer=serializer)
        return super().get_rendered_html_form(data, view, method, request)


def wants_page(accept: str) -> bool:
    """Return whether an Accept header is a browser's: it names text/html first."""
    return accept.lstrip().startswith("text/html")


class ContentNegotiation(DefaultContentNegotiation):
    """REST framework's own, at once for most clients, and with JSON in the place of a 406."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        """Return the renderer and its media type."""
        accept = request.META.get("HTTP_ACCEPT", "")
        is_usual = accept in ("", "*/*", renderers[0].media_type)
        if not is_usual or format_suffix or "format" in request.META.get("QUERY_STRING", ""):
            with suppress(NotAcceptable):
                return super().select_renderer(request, renderers, format_suffix)
        return renderers[0], renderers[0].media_type
