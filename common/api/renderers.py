"""Answers: JSON by orjson, or the pages that a browser shows."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson
from rest_framework import renderers
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.utils.serializer_helpers import ReturnDict


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
        return orjson.dumps(data, option=orjson.OPT_INDENT_2 if indented else None)


class ExampleRenderer(JSONRenderer):
    """Write the body that a raw form starts with, without what may be left out."""

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return super().render({k: v for k, v in data.items() if v is not None}, *args, **kwargs)


class BrowsableAPIRenderer(renderers.BrowsableAPIRenderer):
    """REST framework's pages, where a form keeps what was entered."""

    def get_rendered_html_form(self, data: Any, view: Any, method: str, request: Request) -> Any:
        """Show beside each field what is wrong with it, also what only the database could tell."""
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
    """Pages for browsers, what `format` names for whoever names one, JSON for everybody else."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        """Return the renderer and its media type."""
        accept = request.META.get("HTTP_ACCEPT", "")
        if wants_page(accept) or "format" in request.META.get("QUERY_STRING", ""):
            with suppress(NotAcceptable):
                return super().select_renderer(request, renderers, format_suffix)
        return renderers[0], renderers[0].media_type
