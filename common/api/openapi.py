"""The error answers of the OpenAPI document: every status, its schema and an example.

An app's `schema.py` adds whatever else its views and serializers do not express.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.conf import settings
from drf_spectacular import openapi
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
)
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


# A description, and an example's sentence.
INVALID = ("A query parameter is invalid.", "after: A valid integer is required.")
REPEATED_KEYS = "Where the body repeats a key, the last value counts."
BODY_METHODS = ("POST", "PUT", "PATCH")
BODY_ERRORS = {
    "400": (
        "The body is not a JSON object, or a field is invalid.",
        "The body is not JSON: unexpected end of data: line 1 column 2 (char 1).",
    ),
    "413": ("The body is over 64 KiB.", errors.TOO_LARGE),
    "415": ("The body is neither JSON nor a form.", errors.UNSUPPORTED),
}
NOT_FOUND = ("There is no object with this id.", errors.NOT_FOUND)
NOT_ALLOWED = [
    ("Not allowed; see Allow.", f"PUT is not allowed here. Use one of: {methods}, OPTIONS.")
    for methods in ("GET, HEAD", "POST")
]
TOKEN_ERRORS = {
    "401": ("The token is missing or not valid; see WWW-Authenticate.", errors.UNAUTHENTICATED),
    "403": (
        "The token lacks the scope, or is for another user; see WWW-Authenticate.",
        "The token lacks the scope users:write. Get one that has it.",
    ),
}
UNAVAILABLE = ("The database is unavailable; see Retry-After.", errors.UNAVAILABLE)


class StrictChar(OpenApiSerializerFieldExtension):
    """The schema of a StrictCharField."""

    target_class = "common.api.fields.StrictCharField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """Return the field's type and length, and the keywords of its `openapi`."""
        text: dict[str, Any] = {"type": "string", **self.target.openapi}
        return text | ({"maxLength": self.target.max_length} if self.target.max_length else {})


class BearerToken(OpenApiAuthenticationExtension):
    """The scheme behind Swagger UI's button Authorize."""

    target_class = "common.api.tokens.TokenAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the scheme."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


def with_extensions(endpoints: list[Any]) -> list[Any]:
    """Import each app's schema.py, which registers its drf-spectacular extensions."""
    for name in (f"{app.name}.schema" for app in apps.get_app_configs()):
        if find_spec(name):
            import_module(name)
    return endpoints


def without_trailing_slashes(endpoints: list[Any]) -> list[Any]:
    """Remove trailing slashes from the paths: the routes accept them, but need not list both."""
    return [(path.rstrip("/"), *rest) for path, *rest in endpoints]


class AutoSchema(openapi.AutoSchema):
    """drf-spectacular's schema of a view, plus its error answers."""

    def get_paginated_name(self, serializer_name: str) -> str:
        """Return the component name of a list answer."""
        return f"{serializer_name}List"

    def get_description(self) -> str:  # type: ignore[override]
        """Return the view's docstring, and what its parser does with a repeated key."""
        description: str = super().get_description()
        return f"{description}\n\n{REPEATED_KEYS}" if self.method in BODY_METHODS else description

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> Any:
        """Add the error answers that any view may give."""
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is not None:
            answers = {"405": NOT_ALLOWED[method.upper() == "POST"], "503": UNAVAILABLE}
            if settings.HAS_TOKENS:
                answers |= TOKEN_ERRORS
            if method.upper() in BODY_METHODS:
                answers |= BODY_ERRORS
            elif any(one["in"] == "query" for one in operation.get("parameters", ())):
                answers["400"] = INVALID
            if "{" in path:
                answers["404"] = NOT_FOUND
            described = {status: self.describe(*answer) for status, answer in answers.items()}
            operation["responses"] = dict(sorted((described | operation["responses"]).items()))
        return operation

    def describe(self, description: str, sentence: str) -> dict[str, Any]:
        """Return an error answer as OpenAPI describes it."""
        content = {
            "schema": self.resolve_serializer(ErrorSerializer, "response").ref,
            "examples": {"Error": {"value": {"error": sentence}}},
        }
        return {"content": {"application/json": content}, "description": description}
