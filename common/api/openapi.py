"""What OpenAPI says about errors: every status, its shape and an example.

What else a view and its serializer do not say stands in the `schema.py` of its app.
"""

from typing import Any

from django.utils.module_loading import autodiscover_modules
from drf_spectacular import openapi
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework import serializers

from common.api import errors


class ErrorSerializer(serializers.Serializer[Any]):
    """An answer that is not a success."""

    error = serializers.CharField(help_text="One sentence that tells what to do.")
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="What is wrong with each field at fault.",
    )


def error(description: str, example: str, **fields: list[str]) -> OpenApiResponse:
    """Describe an error by when it happens and what it says."""
    value: dict[str, Any] = {"error": example}
    if fields:
        value["fields"] = fields
    return OpenApiResponse(ErrorSerializer, description, [OpenApiExample("Error", value=value)])


INVALID = error("A value is missing or wrong.", "after: A valid integer is required.")
BODY_ERRORS = {
    "400": error(
        "The body is no JSON object, or a field is wrong.",
        "The body is not JSON: unexpected end of data: line 1 column 2 (char 1).",
    ),
    "413": error("The body is over 64 KiB.", errors.TOO_LARGE),
    "415": error("The body is neither JSON nor a form.", errors.UNSUPPORTED),
}
NOT_FOUND = error("Nothing has this id.", errors.NOT_FOUND)
NOT_ALLOWED = [
    error("Another method; see Allow.", f"PUT is not allowed here. Use one of: {methods}, OPTIONS.")
    for methods in ("GET, HEAD", "POST")
]
UNAVAILABLE = error("The database cannot be reached; see Retry-After.", errors.UNAVAILABLE)


class StrictChar(OpenApiSerializerFieldExtension):
    """A text, and what its field says about itself."""

    target_class = "common.api.fields.StrictCharField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """Return the field's own words beside its type and length."""
        text: dict[str, Any] = {"type": "string", **self.target.openapi}
        return text | ({"maxLength": self.target.max_length} if self.target.max_length else {})


def with_extensions(endpoints: list[Any]) -> list[Any]:
    """Import the schema.py of each app, which adds to what its views and serializers say."""
    autodiscover_modules("schema")
    return endpoints


def without_trailing_slashes(endpoints: list[Any]) -> list[Any]:
    """List each path once: a slash at its end is allowed and makes no difference."""
    return [(path.rstrip("/"), *rest) for path, *rest in endpoints]


class AutoSchema(openapi.AutoSchema):
    """REST framework's views, with the errors that each can answer."""

    def get_paginated_name(self, serializer_name: str) -> str:
        """Return what an answer that holds a list is called."""
        return f"{serializer_name}List"

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        errors = {"405": NOT_ALLOWED[self.method == "POST"], "503": UNAVAILABLE}
        if self.method in ("POST", "PUT", "PATCH"):
            errors |= BODY_ERRORS
        elif self._is_list_view():
            errors["400"] = INVALID
        if "{" in self.path:
            errors["404"] = NOT_FOUND
        for status, response in errors.items():
            bodies.setdefault(status, self._get_response_for_code(response, status))
        return dict(sorted(bodies.items()))
