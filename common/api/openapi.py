"""The error answers of the OpenAPI document: every status, its schema and an example.

An app's `schema.py` adds whatever else its views and serializers do not express.
"""

from typing import Any

from django.utils.module_loading import autodiscover_modules
from drf_spectacular import openapi
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework import serializers

from common.api import errors


class ErrorSerializer(serializers.Serializer[Any]):
    """The body of every error answer."""

    error = serializers.CharField(help_text="One sentence that says what to do.")
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="The messages for each invalid field.",
    )


def error(description: str, example: str, **fields: list[str]) -> OpenApiResponse:
    """Return an error answer's description, with an example of its sentence and fields."""
    value: dict[str, Any] = {"error": example}
    if fields:
        value["fields"] = fields
    return OpenApiResponse(ErrorSerializer, description, [OpenApiExample("Error", value=value)])


INVALID = error("A query parameter is invalid.", "after: A valid integer is required.")
BODY_ERRORS = {
    "400": error(
        "The body is not a JSON object, or a field is invalid.",
        "The body is not JSON: unexpected end of data: line 1 column 2 (char 1).",
    ),
    "413": error("The body is over 64 KiB.", errors.TOO_LARGE),
    "415": error("The body is neither JSON nor a form.", errors.UNSUPPORTED),
}
NOT_FOUND = error("There is no object with this id.", errors.NOT_FOUND)
NOT_ALLOWED = [
    error("Not allowed; see Allow.", f"PUT is not allowed here. Use one of: {methods}, OPTIONS.")
    for methods in ("GET, HEAD", "POST")
]
UNAVAILABLE = error("The database is unavailable; see Retry-After.", errors.UNAVAILABLE)


class StrictChar(OpenApiSerializerFieldExtension):
    """The schema of a StrictCharField."""

    target_class = "common.api.fields.StrictCharField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """Return the field's type and length, and the keywords of its `openapi`."""
        text: dict[str, Any] = {"type": "string", **self.target.openapi}
        return text | ({"maxLength": self.target.max_length} if self.target.max_length else {})


def with_extensions(endpoints: list[Any]) -> list[Any]:
    """Import each app's schema.py, which registers its drf-spectacular extensions."""
    autodiscover_modules("schema")
    return endpoints


def without_trailing_slashes(endpoints: list[Any]) -> list[Any]:
    """Remove trailing slashes from the paths: the routes accept them, but need not list both."""
    return [(path.rstrip("/"), *rest) for path, *rest in endpoints]


class AutoSchema(openapi.AutoSchema):
    """drf-spectacular's schema of a view, plus its error answers."""

    def get_paginated_name(self, serializer_name: str) -> str:
        """Return the component name of a list answer."""
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
