"""Query parameters that narrow a list: `after`, and those that each service adds."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request

from common.fields import WholeNumberField

LARGEST_ID = 2**63 - 1


def read_parameter(
    request: Request, name: str, field: serializers.Field[Any, Any, Any, Any]
) -> Any:
    """Return a query parameter's value, None where it is absent; a bad one is a 400."""
    if name not in request.query_params:
        return None
    if len(request.query_params.getlist(name)) > 1:
        raise ValidationError({name: ["Give this parameter once."]})
    field.bind(name, serializers.Serializer())
    try:
        return field.run_validation(field.get_value(request.query_params))
    except ValidationError as error:
        raise ValidationError({name: error.detail}) from error


class ParameterFilter(BaseFilterBackend):
    """Filter a list by one query parameter, a text unless a subclass says otherwise."""

    parameter: str
    description: str
    schema: dict[str, Any] = {"type": "string", "pattern": "^[^\\u0000]*$"}

    def get_field(self) -> serializers.Field[Any, Any, Any, Any]:
        """Return the field that validates the parameter."""
        return serializers.CharField(allow_blank=True)

    def narrow(self, queryset: QuerySet[Any], value: Any) -> QuerySet[Any]:
        """Return the rows that the value selects."""
        raise NotImplementedError

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: Any
    ) -> QuerySet[Any]:
        """Return all rows where the parameter is absent."""
        if self.parameter not in request.query_params:
            return queryset
        return self.narrow(queryset, read_parameter(request, self.parameter, self.get_field()))

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe the parameter for OpenAPI."""
        return [query_parameter(self.parameter, self.description, self.schema)]


class AfterFilter(ParameterFilter):
    """`after=ID`: the rows whose id is greater."""

    parameter = "after"
    description = "Only rows whose id is greater."
    schema = {"type": "integer", "minimum": 0, "maximum": LARGEST_ID}

    def get_field(self) -> serializers.Field[Any, Any, Any, Any]:
        """Return a field for an id."""
        return WholeNumberField(min_value=0, max_value=LARGEST_ID)

    def narrow(self, queryset: QuerySet[Any], value: int) -> QuerySet[Any]:
        """Return the rows behind the id."""
        return queryset.filter(pk__gt=value)


def query_parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Describe an optional query parameter for OpenAPI."""
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
    }
