"""Renderers of answers: JSON by orjson, and the browsable pages."""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

import orjson
from rest_framework import renderers
from rest_framework.exceptions import NotAcceptable, ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.utils.serializer_helpers import ReturnDict

from common.api.forwarded import is_outside


class JSONRenderer(renderers.JSONRenderer):
    """Renders with orjson, and falls back to REST framework's renderer for types orjson rejects.

    Dates, decimals, durations and lazy strings therefore look the same as in REST framework. orjson
    writes NaN and the infinities as null, as JavaScript does.
    """

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the answer's JSON, indented for the browsable API."""
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
    """Renders the initial content of a "Raw data" form, without fields that are None."""

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return super().render({k: v for k, v in data.items() if v is not None}, *args, **kwargs)


class BrowsableAPIRenderer(renderers.BrowsableAPIRenderer):
    """REST framework's pages, with forms that keep the values entered when they are rejected."""

    def get_rendered_html_form(self, data: Any, view: Any, method: str, request: Request) -> Any:
        """Show errors beside their fields, including those that only the database detects."""
        readable = isinstance(data, dict) and ("error" not in data or "fields" in data)
        if readable and method == request.method == "POST":
            serializer = view.get_serializer(data=request.data)
            if fields := data.get("fields"):
                serializer.to_internal_value = partial(refuse, fields)
            serializer.is_valid()
            data = ReturnDict(data, serializer=serializer)
        return super().get_rendered_html_form(data, view, method, request)

    def get_context(self, *args: Any) -> dict[str, Any]:
        """Leave out the link to the admin where a gateway may not reach it."""
        context: dict[str, Any] = super().get_context(*args)
        return {**context, "shows_admin": not is_outside(context["request"])}


def refuse(fields: dict[str, Any], entered: Any) -> NoReturn:
    """Find the errors that the answer has, in the place of a serializer's own validation."""
    raise ValidationError(fields)


def wants_page(accept: str) -> bool:
    """Return whether an Accept header is a browser's, which lists text/html first."""
    return accept.lstrip().startswith("text/html")


class ContentNegotiation(DefaultContentNegotiation):
    """REST framework's own negotiation, with a short cut for JSON, and JSON instead of a 406."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        """Return the renderer and its media type."""
        accept = request.META.get("HTTP_ACCEPT", "")
        is_usual = accept in ("", "*/*", renderers[0].media_type)
        if not is_usual or format_suffix or "format" in request.META.get("QUERY_STRING", ""):
            with suppress(NotAcceptable):
                return super().select_renderer(request, renderers, format_suffix)
        return renderers[0], renderers[0].media_type
