"""The pages that a browser shows."""

from typing import Any

from rest_framework import renderers
from rest_framework.request import Request
from rest_framework.utils.serializer_helpers import ReturnDict


class BrowsableAPIRenderer(renderers.BrowsableAPIRenderer):
    """REST framework's pages, where a form keeps what was entered."""

    def get_rendered_html_form(self, data: Any, view: Any, method: str, request: Request) -> Any:
        """Show beside each field what is wrong with it, also what only the database could tell."""
        if method == request.method == "POST" and isinstance(data, dict):
            serializer = view.get_serializer(data=request.data)
            serializer.is_valid()
            serializer._errors = data.get("fields", {})
            data = ReturnDict(data, serializer=serializer)
        return super().get_rendered_html_form(data, view, method, request)
