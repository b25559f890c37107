"""What OpenAPI says of errors: every status, its shape and an example."""

from typing import Any

from django.utils.module_loading import autodiscover_modules
from drf_spectacular import openapi
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework import serializers

from common.api.fields import NAME_LENGTH

# Somewhere a character that is no white space, and nowhere a NUL.
NAME_PATTERN = r"^[^\u0000]*[^\s\u0000\u001c-\u001f][^\u0000]*$"


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
    "413": error("The body is over 64 KiB.", "The body is too large. Send at most 64 KiB."),
    "415": error(
        "The body is neither JSON nor a form.",
        "Send JSON or a form, in UTF-8, and say which in Content-Type.",
    ),
}
NOT_FOUND = error(
    "Nothing has this id.", "There is nothing here. Check the address and the id in it."
)
NOT_ALLOWED = [
    error("Another method; see Allow.", f"PUT is not allowed here. Use one of: {methods}, OPTIONS.")
    for methods in ("GET, HEAD", "POST")
]
UNAVAILABLE = error(
    "The database cannot be reached; see Retry-After.",
    "The database is not available right now. Send the request again in a moment.",
)


class Name(OpenApiSerializerFieldExtension):
    """Which texts can be a name."""

    target_class = "common.api.fields.NameField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """Return it as a pattern, which the field itself has none of."""
        text = {"type": "string", "maxLength": NAME_LENGTH, "pattern": NAME_PATTERN}
        return {**text, "example": "ankur"}


def with_extensions(endpoints: list[Any]) -> list[Any]:
    """Import the schema.py of each app: what it adds to what its views and serializers say."""
    autodiscover_modules("schema")
    return endpoints


def without_trailing_slashes(endpoints: list[Any]) -> list[Any]:
    """Name each path once: the slash at its end is allowed, and says nothing."""
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
