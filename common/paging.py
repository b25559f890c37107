"""The query parameters of lists: `page_size`, `after`, and the filters of each service."""

from typing import Any

from django.db.models import QuerySet
from django.utils.html import format_html
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from common.fields import WholeNumberField

BROWSABLE_PAGE_SIZE = 100
LARGEST_ID = 2**63 - 1


def read_parameter(
    request: Request, name: str, field: serializers.Field[Any, Any, Any, Any]
) -> Any:
    """Return a query parameter's value, None where it is absent; a bad one is a 400."""
    if name not in request.query_params:
        return None
    field.bind(name, serializers.Serializer())
    try:
        return field.run_validation(field.get_value(request.query_params))
    except ValidationError as error:
        raise ValidationError({name: error.detail}) from error


class ParameterFilter(BaseFilterBackend):
    """Filter a list by one query parameter; subclasses say which, and what it must be."""

    parameter: str
    description: str
    schema: dict[str, Any]

    def get_field(self) -> serializers.Field[Any, Any, Any, Any]:
        """Return the field that validates the parameter."""
        raise NotImplementedError

    def narrow(self, queryset: QuerySet[Any], value: Any) -> QuerySet[Any]:
        """Return the rows that the value selects."""
        raise NotImplementedError

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: Any
    ) -> QuerySet[Any]:
        """Return all rows where the parameter is absent."""
        value = read_parameter(request, self.parameter, self.get_field())
        return queryset if value is None else self.narrow(queryset, value)

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


class KeysetPagination(BasePagination):
    """Pages of `page_size` rows, linked by the last id: a late page costs what the first does.

    Without `page_size` a list is whole, except on the browsable pages. `key` names the list in an
    answer that is an object.
    """

    key: str | None = None
    next_url: str | None = None
    first_url: str | None = None

    def paginate_queryset(
        self, queryset: Any, request: Request, view: Any = None
    ) -> list[Any] | None:
        """Return a page's rows, or None where all of them are asked for."""
        field = WholeNumberField(min_value=1, max_value=1000)
        size = read_parameter(request, "page_size", field)
        if size is None:
            if request.accepted_renderer.format == "json":
                return None
            size = BROWSABLE_PAGE_SIZE
        rows = list(queryset[: size + 1])
        url = request.build_absolute_uri()
        if len(rows) > size:
            rows.pop()
            self.next_url = replace_query_param(url, "after", rows[-1].pk)
        if "after" in request.query_params:
            self.first_url = remove_query_param(url, "after")
        self.display_page_controls = bool(self.next_url or self.first_url)
        return rows

    def get_paginated_response(self, data: Any) -> Response:
        """Return the rows with a Link header to the next ones."""
        headers = {"Link": f'<{self.next_url}>; rel="next"'} if self.next_url else {}
        return Response({self.key: data} if self.key else data, headers=headers)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe the answer for OpenAPI."""
        if self.key is None:
            return schema
        return {"type": "object", "required": [self.key], "properties": {self.key: schema}}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe the parameter for OpenAPI."""
        description = "At most this many rows, with a Link header to the next ones."
        schema = {"type": "integer", "minimum": 1, "maximum": 1000}
        return [query_parameter("page_size", description, schema)]

    def to_html(self) -> str:
        """Return the links that a browsable page shows."""
        links = [(self.first_url, "« First page"), (self.next_url, "Next page »")]
        items = [format_html('<li><a href="{}">{}</a></li>', *link) for link in links if link[0]]
        return format_html('<ul class="pager">{}</ul>', format_html("{}" * len(items), *items))


def query_parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Describe an optional query parameter for OpenAPI."""
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
    }
