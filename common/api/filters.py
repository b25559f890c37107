"""Query parameters: reading one, and filtering a list by one."""

from typing import Any
from urllib.parse import unquote_to_bytes

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request

from common.api.parsers import require_utf_8

Field = serializers.Field[Any, Any, Any, Any]


def query_field(name: str, field: Field) -> Field:
    """Return a field that validates a query parameter; make it once for all requests."""
    serializer_class = type("Query", (serializers.Serializer,), {name: field})
    bound: Field = serializer_class().fields[name]
    return bound


def read_parameter(request: Request, field: Field) -> Any:
    """Return a query parameter's value, None where it is absent; a bad one is a 400."""
    name = str(field.field_name)
    if name not in request.query_params:
        return None
    # Where the query string is not UTF-8, Django has put replacement characters into it.
    require_utf_8(unquote_to_bytes(request.META["QUERY_STRING"].encode("latin-1")), "query string")
    if len(request.query_params.getlist(name)) > 1:
        raise ValidationError({name: ["Give this parameter once."]})
    try:
        return field.run_validation(field.get_value(request.query_params))
    except ValidationError as error:
        raise ValidationError({name: error.detail}) from error


class ParameterFilter(BaseFilterBackend):
    """Filter a list by one query parameter, a text. It may only leave rows out."""

    parameter: str
    description: str
    field: Field
    schema = {"type": "string", "pattern": "^[^\\u0000]*$"}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.field = query_field(cls.parameter, serializers.CharField(allow_blank=True))

    def apply(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the rows that the value selects."""
        raise NotImplementedError

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: Any
    ) -> QuerySet[Any]:
        """Return all rows where the parameter is absent."""
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
