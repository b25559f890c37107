"""Lists: whole ones are streamed, shorter ones are pages that start after an id.

PostgreSQL writes the rows of a whole list as JSON, so that Python only passes text on.
"""

from collections.abc import Iterator
from typing import Any

from django.db.models import Expression, F, Func, Max, QuerySet, TextField, Value
from django.db.models.functions import JSONObject
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request

from common.creation import shared_serializer

# The first rows leave at once; the rest comes in batches that are worth a statement each.
FIRST_BATCH = 200
BATCH = 2000


class JSONText(JSONObject):
    """A JSON object as text (PostgreSQL 16); Django's own comes as jsonb, which sorts its keys."""

    output_field = TextField()  # type: ignore[assignment]

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Return the SQL and its parameters."""
        return self.as_native(compiler, connection, returning="TEXT", **context)


class StreamedListMixin:
    """Offer `list`: a page where one is asked for, otherwise all rows."""

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        queryset = self.filter_queryset(self.get_queryset())
        page = self.paginate_queryset(queryset)
        if page is not None:
            return self.get_paginated_response(self.get_serializer(page, many=True).data)
        if request.method == "HEAD":
            return HttpResponse(content_type="application/json")
        serializer = shared_serializer(self.get_serializer_class())
        return stream(queryset, serializer, self.paginator.key)


def stream(
    queryset: QuerySet[Any], serializer: serializers.Serializer[Any], key: str | None
) -> HttpResponseBase:
    """Answer with all rows, in memory that does not grow with their number.

    When the database fails on the way the exception reaches gunicorn, which cuts the connection:
    a list that is not whole does not look whole.
    """
    fields = {name: column(field) for name, field in serializer.fields.items()}
    rows = queryset.annotate(json=JSONText(**fields)).values_list("pk", "json")
    opening, closing = (f'{{"{key}":[', "]}") if key else ("[", "]")
    first = list(rows[:FIRST_BATCH])
    start = opening + join(first)
    if len(first) < FIRST_BATCH:
        return HttpResponse(start + closing, content_type="application/json")
    chunks = remaining_chunks(rows, after=first[-1][0])
    return StreamingHttpResponse(
        (text for part in ([start], chunks, [closing]) for text in part),
        content_type="application/json",
    )


def remaining_chunks(rows: QuerySet[Any], after: int) -> Iterator[str]:
    """Yield the rows that were there when the list was asked for, a batch at a time.

    Each batch is a statement of its own: a slow reader holds no cursor and no snapshot.
    """
    last = rows.aggregate(last=Max("pk"))["last"]
    while batch := list(rows.filter(pk__gt=after, pk__lte=last)[:BATCH]):
        yield "," + join(batch)
        after = batch[-1][0]


def join(batch: list[tuple[int, str]]) -> str:
    """Return the JSON of some rows, with commas between them."""
    return ",".join([text for _, text in batch])


def column(field: serializers.Field[Any, Any, Any, Any]) -> Expression | F:
    """Return where PostgreSQL finds what a serializer's field shows."""
    path = F((field.source or "").replace(".", "__"))
    if isinstance(field, serializers.DateTimeField):
        return Func(path, Value('YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), function="to_char")
    return path
