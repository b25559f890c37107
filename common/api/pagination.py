"""Pages of a list: the query parameters `page_size` and `after`, and the links to more."""

from typing import Any

from django.utils.html import format_html, format_html_join
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from common.api.fields import LARGEST_ID, WholeNumberField
from common.api.filters import query_field, query_parameter, read_parameter
from common.database.replica import read

BROWSABLE_PAGE_SIZE = 100
LARGEST_SIZE = 1000
SIZE = query_field("page_size", WholeNumberField(min_value=1, max_value=LARGEST_SIZE))
AFTER = query_field("after", WholeNumberField(min_value=0, max_value=LARGEST_ID))


class KeysetPagination(BasePagination):
    """Pages of `page_size` rows, linked by the last id: a late page costs what the first does.

    Without `page_size` a list is whole, except on the browsable pages. `key` names the list in an
    answer that is an object.
    """

    key: str | None = None
    next_url: str | None = None
    first_url: str | None = None

    def get_window(self, request: Request) -> tuple[int, int | None]:
        """Return the id that the rows start after, and how many there may be; None for all."""
        return read_parameter(request, AFTER) or 0, read_parameter(request, SIZE)

    def link_next(self, request: Request, last: int) -> None:
        """Link to the rows that follow an id."""
        self.next_url = replace_query_param(request.build_absolute_uri(), "after", last)

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return a page's instances, for the browsable pages."""
        after, size = self.get_window(request)
        size = size or BROWSABLE_PAGE_SIZE
        rows = read(queryset.filter(pk__gt=after)[: size + 1], list)
        if len(rows) > size:
            rows.pop()
            self.link_next(request, rows[-1].pk)
        if after:
            self.first_url = remove_query_param(request.build_absolute_uri(), "after")
        self.display_page_controls = bool(self.next_url or self.first_url)
        return rows

    def get_headers(self) -> dict[str, str]:
        """Return a Link to the next page, where there is one."""
        return {"Link": f'<{self.next_url}>; rel="next"'} if self.next_url else {}

    def get_paginated_response(self, data: Any) -> Response:
        """Return the rows with a Link header to the next ones."""
        return Response({self.key: data} if self.key else data, headers=self.get_headers())

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe the answer for OpenAPI."""
        if self.key is None:
            return schema
        return {"type": "object", "required": [self.key], "properties": {self.key: schema}}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe the parameters for OpenAPI."""
        after = {"type": "integer", "minimum": 0, "maximum": LARGEST_ID}
        size = {"type": "integer", "minimum": 1, "maximum": LARGEST_SIZE}
        # Who follows a list as it grows has to look back a little.
        later = (
            "Only rows whose id is greater. A row that is being saved may yet have a smaller one."
        )
        at_most = "At most this many rows, with a Link header to the next ones."
        return [
            query_parameter("after", later, after),
            query_parameter("page_size", at_most, size),
        ]

    def to_html(self) -> str:
        """Return the links that a browsable page shows."""
        links = [(self.first_url, "« First page"), (self.next_url, "Next page »")]
        shown = [link for link in links if link[0]]
        items = format_html_join("", '<li><a href="{}">{}</a></li>', shown)
        return format_html('<ul class="pager">{}</ul>', items)
