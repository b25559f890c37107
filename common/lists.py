"""Lists: whole ones are streamed, shorter ones are pages that start after an id.

PostgreSQL writes the rows as JSON, so that Python only passes text on.
"""

from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import Any

from django.contrib.postgres.aggregates import StringAgg
from django.db.models import Expression, F, Func, Max, QuerySet, TextField, Value
from django.db.models.functions import Cast, Coalesce
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request

from common.paging import KeysetPagination
from common.postgresql.pool import release_connections
from common.postgresql.replica import read

JSON = "application/json"
# The first rows leave at once; the rest comes in batches that are worth a statement each.
FIRST_BATCH = 200
BATCH = 3000


class StreamedListMixin:
    """Offer `list`: a page where one is asked for, otherwise all rows, by ascending id."""

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        if request.accepted_renderer.format != "json":
            page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
            return self.get_paginated_response(self.get_serializer(page, many=True).data)
        rows = self.filter_queryset(rows_as_json(self.queryset, self.serializer_class).all())
        if "page_size" in request.query_params:
            return page_of(self.paginate_queryset(rows), self.paginator)
        return stream(rows, self.paginator.key, head=request.method == "HEAD")


def page_of(rows: list[tuple[int, str]], paginator: KeysetPagination) -> HttpResponse:
    """Answer with the rows of a page."""
    opening, closing = brackets(paginator.key)
    body = opening + join(rows) + closing
    return HttpResponse(body, content_type=JSON, headers=paginator.get_headers())


def stream(rows: QuerySet[Any], key: str | None, head: bool = False) -> HttpResponseBase:
    """Answer with all rows, in memory that does not grow with their number.

    When the database fails on the way the exception reaches gunicorn, which cuts the connection:
    a list that is not whole does not look whole.
    """
    if head:
        return StreamingHttpResponse(content_type=JSON)
    opening, closing = brackets(key)
    first = read(rows[:FIRST_BATCH], list)
    start = opening + join(first)
    if len(first) < FIRST_BATCH:
        return HttpResponse(start + closing, content_type=JSON)
    chunks = remaining_chunks(rows, after=first[-1][0])
    return StreamingHttpResponse(chain([start], chunks, [closing]), content_type=JSON)


def brackets(key: str | None) -> tuple[str, str]:
    """Return what stands before and after the rows of a list."""
    return (f'{{"{key}":[', "]}") if key else ("[", "]")


def remaining_chunks(rows: QuerySet[Any], after: int) -> Iterator[str]:
    """Yield the rows that were there when the list was asked for, a batch at a time.

    Each batch is a statement of its own, and between two of them others have the connection: a
    slow reader holds no cursor, no snapshot and no connection.
    """
    # Not by max(): over a join PostgreSQL would read the whole table for it.
    (last,) = read(rows.order_by("-pk").values_list("pk", flat=True)[:1], list) or (after,)
    while after < last:
        joined = read(rows.filter(pk__gt=after, pk__lte=last)[:BATCH], join_rows)
        if joined["last"] is None:  # deleted meanwhile
            return
        release_connections()
        yield "," + joined["text"]
        after = joined["last"]


def join_rows(batch: QuerySet[Any]) -> dict[str, Any]:
    """Return a batch's text, which PostgreSQL joins, and its last id; None for no rows."""
    return batch.aggregate(text=StringAgg("json", ","), last=Max("pk"))


def join(batch: list[tuple[int, str]]) -> str:
    """Return the JSON of some rows, with commas between them."""
    return ",".join([text for _, text in batch])


@cache
def rows_as_json(queryset: QuerySet[Any], serializer_class: Any) -> QuerySet[Any]:
    """Return a view's rows as pairs of the id and the JSON that its serializer describes."""
    fields = serializer_class().fields.items()
    row = JSONText(**{name: json_value(field) for name, field in fields})
    rows: QuerySet[Any] = queryset.annotate(json=row).values_list("pk", "json")
    return rows


def json_value(field: serializers.Field[Any, Any, Any, Any]) -> Expression | F:
    """Return the JSON of a column, as PostgreSQL writes it for a serializer's field."""
    column = F((field.source or "").replace(".", "__"))
    if isinstance(field, serializers.IntegerField):
        return column
    if isinstance(field, serializers.DateTimeField):
        return Func(column, Value(r'\"YYYY-MM-DD"T"HH24:MI:SS.US"Z"\"'), function="to_char")
    return Coalesce(Cast(Func(column, function="to_json"), TextField()), Value("null"))


class JSONText(Func):
    """A JSON object put together as text: PostgreSQL's own functions take twice as long."""

    template = "%(expressions)s"
    arg_joiner = " || "
    output_field = TextField()

    def __init__(self, **members: Expression | F) -> None:
        names = [Value(f',"{name}":') for name in members]
        names[0] = Value("{" + names[0].value[1:])
        parts = [part for member in zip(names, members.values(), strict=True) for part in member]
        super().__init__(*parts, Value("}"))
