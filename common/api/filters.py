"""Query parameters: how to read one, and how to filter a list by one."""

from typing import Any
from urllib.parse import unquote_to_bytes

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request

from common.api.parsers import utf_8

Field = serializers.Field[Any, Any, Any, Any]


def query_field(name: str, field: Field) -> Field:
    """Return a field that validates a query parameter. All requests can share it."""
    serializer_class = type("Query", (serializers.Serializer,), {name: field})
    bound: Field = serializer_class().fields[name]
    return bound


def read_parameter(request: Request, field: Field) -> Any:
    """Return a query parameter's value, or None if it is absent; an invalid one is a 400."""
    name = str(field.field_name)
    if name not in request.query_params:
        return None
    # Django replaces invalid UTF-8 in query_params by U+FFFD, so look at the raw query string.
    utf_8(unquote_to_bytes(request.META["QUERY_STRING"].encode("latin-1")), "query string")
    if len(request.query_params.getlist(name)) > 1:
        raise ValidationError({name: ["Send this parameter only once."]})
    try:
        return field.run_validation(field.get_value(request.query_params))
    except ValidationError as error:
        raise ValidationError({name: error.detail}) from error


class ParameterFilter(BaseFilterBackend):
    """Filters a list by one text parameter. A filter may only leave rows out, not reorder them."""

    parameter: str
    description: str
    field: Field
    schema = {"type": "string", "pattern": "^[^\\u0000]*$"}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.field = query_field(cls.parameter, serializers.CharField(allow_blank=True))

    def apply(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the queryset filtered by the parameter's value."""
        raise NotImplementedError

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: Any
    ) -> QuerySet[Any]:
        """Return the queryset filtered by the parameter, or unchanged if it is absent."""
        value = read_parameter(request, self.field)
        return queryset if value is None else self.apply(queryset, value)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe the parameter for OpenAPI."""
        return [query_parameter(self.parameter, self.description, self.schema)]


def query_parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Describe an optional query parameter for OpenAPI."""
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
    }
