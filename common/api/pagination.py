"""Keyset pagination: the query parameters `page_size` and `after`, and links to the next page."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import AutoField, Field, IntegerField, QuerySet
from django.utils.html import format_html, format_html_join
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from common.api.fields import LARGEST_ID, SMALLEST_ID, StrictIntegerField
from common.api.filters import query_field, query_parameter, read_parameter
from common.database.replica import read

BROWSABLE_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000
SIZE = query_field("page_size", StrictIntegerField(min_value=1, max_value=MAX_PAGE_SIZE))
AFTER = query_field("after", StrictIntegerField(min_value=0, max_value=LARGEST_ID))


class KeysetPagination(BasePagination):
    """Pages of `page_size` rows that start after an id, so a late page costs as much as the first.

    Without `page_size`, a list has all rows, except on the browsable pages. If `key` is set, the
    answer is an object with the list under that key. Rows must be in the order of an integer key.
    """

    key: str | None = None
    next_url: str | None = None
    first_url: str | None = None

    def get_bounds(self, request: Request) -> tuple[int, int | None]:
        """Return the id after which rows start, and the page size, which is None for all rows."""
        after = read_parameter(request, AFTER)
        return SMALLEST_ID if after is None else after, read_parameter(request, SIZE)

    def link_next(self, request: Request, last: int) -> None:
        """Set the link to the page that starts after `last`."""
        self.next_url = replace_query_param(request.build_absolute_uri(), "after", last)

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return the instances of the requested page, or all of them."""
        require_keyset(queryset)
        after, size = self.get_bounds(request)
        if size is None and request.accepted_renderer.format == "api":
            size = BROWSABLE_PAGE_SIZE
        following = queryset.filter(pk__gt=after)
        rows = read(following if size is None else following[: size + 1], list)
        if size is not None and len(rows) > size:
            rows.pop()
            self.link_next(request, rows[-1].pk)
        if after != SMALLEST_ID:
            self.first_url = remove_query_param(request.build_absolute_uri(), "after")
        self.display_page_controls = bool(self.next_url or self.first_url)
        return rows

    def get_headers(self) -> dict[str, str]:
        """Return the Link header to the next page, if there is one."""
        return {"Link": f'<{self.next_url}>; rel="next"'} if self.next_url else {}

    def get_paginated_response(self, data: Any) -> Response:
        """Return the answer with the rows and the Link header."""
        return Response({self.key: data} if self.key else data, headers=self.get_headers())

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe the answer for OpenAPI."""
        if self.key is None:
            return schema
        return {"type": "object", "required": [self.key], "properties": {self.key: schema}}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe the parameters for OpenAPI."""
        after = {"type": "integer", "minimum": 0, "maximum": LARGEST_ID}
        size = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE}
        greater = (
            "Only rows with a greater id. Ids are assigned before commit, so a row with a smaller"
            " id may appear later: let polls overlap a little."
        )
        at_most = "At most this many rows, with a Link header to the next page."
        return [
            query_parameter("after", greater, after),
            query_parameter("page_size", at_most, size),
        ]

    def to_html(self) -> str:
        """Return a browsable page's links to the first and the next page."""
        links = [(self.first_url, "« First page"), (self.next_url, "Next page »")]
        shown = [link for link in links if link[0]]
        items = format_html_join("", '<li><a href="{}">{}</a></li>', shown)
        return format_html('<ul class="pager">{}</ul>', items)


def require_integer_key(queryset: Any) -> Field:
    """Return a queryset's primary key; raise ImproperlyConfigured unless it is an integer."""
    if not isinstance(queryset, QuerySet):
        raise ImproperlyConfigured(f'{queryset!r} is not a queryset. Use .order_by("pk").')
    pk = queryset.model._meta.pk
    if not isinstance(pk, IntegerField | AutoField):
        raise ImproperlyConfigured(
            f"A queryset of {queryset.model.__name__} has the primary key {pk.name}, which is not"
            " an integer: pages start after an id, and `coalesce` collects ids. Set another"
            " pagination_class, and no `coalesce`."
        )
    return pk


def require_keyset(queryset: QuerySet[Any]) -> None:
    """Raise ImproperlyConfigured unless keyset pagination by primary key works for a queryset."""
    pk = require_integer_key(queryset)
    query = queryset.query
    # Django forgets Meta.ordering where it groups rows.
    has_default = query.default_ordering and not query.group_by
    default = queryset.model._meta.ordering if has_default else ()
    ordering = tuple(query.extra_order_by or query.order_by or default)
    if not query.standard_ordering:
        ordering += ("reverse()",)
    name = f"A queryset of {queryset.model.__name__}"
    if ordering not in (("pk",), (pk.name,)):
        raise ImproperlyConfigured(
            f"{name} is ordered by {', '.join(map(str, ordering)) or 'nothing'}, but pages need the"
            f' order of the id. Use .order_by("{pk.name}"), or set another pagination_class.'
        )
    # Each page would have a window of its own.
    if query.is_sliced or query.distinct or query.combinator or query.where.contains_over_clause:
        raise ImproperlyConfigured(
            f"{name} is sliced, distinct, a union or filtered by a window function, which cannot"
            " be filtered by id for a page. Select rows with another .filter(), or set another"
            " pagination_class."
        )
