"""Lists: whole ones are streamed, shorter ones are pages that start after an id."""

from collections.abc import Iterator
from functools import cache, partial
from threading import Semaphore
from typing import Any

from django.db import connections
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from common.json_rows import rows_as_json
from common.paging import KeysetPagination
from common.postgresql.pool import release_connections
from common.postgresql.replica import read
from common.shared_statement import SharedStatement

JSON = "application/json"
# The first rows leave at once; the rest comes in batches that are worth a statement each.
FIRST_BATCH = 200
BATCH = 3000
AFTER = -1  # no row has it
# A client has CLIENT_TIMEOUT for each piece, so it may be slow.
PIECE = 128 * 1024  # characters
# Lists that a process sends at once, each with a batch in memory; further ones wait.
STREAMS = Semaphore(100)


class StreamedListMixin:
    """Offer `list`: a page where one is asked for, otherwise all rows, by ascending id."""

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        if request.accepted_renderer.format != "json":
            page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
            return self.get_paginated_response(self.get_serializer(page, many=True).data)
        everything = rows_as_json(self.queryset, self.serializer_class)
        rows = self.filter_queryset(everything)
        if "page_size" in request.query_params:
            return page_of(self.paginate_queryset(rows), self.paginator)
        if request.method == "HEAD":
            return StreamingHttpResponse(content_type=JSON)
        fetch = partial(shared_first_rows, everything) if rows is everything else first_rows
        return stream(rows, read(rows, fetch), self.paginator.key)


def page_of(rows: list[tuple[int, str]], paginator: KeysetPagination) -> HttpResponse:
    """Answer with the rows of a page."""
    opening, closing = brackets(paginator.key)
    body = opening + join(rows) + closing
    return HttpResponse(body, content_type=JSON, headers=paginator.get_headers())


@cache
def beginning(everything: QuerySet[Any], database: str) -> SharedStatement[None, list[Any]]:
    """Return what selects the first rows of an unfiltered list, for all who ask at one moment.

    For each request the ORM would take longer to write the statement than PostgreSQL to run it.
    """
    rows = everything.using(database)
    statement = rows[:FIRST_BATCH].query.sql_with_params()
    return SharedStatement(lambda requests: [execute(statement, rows)] * len(requests))


def execute(statement: tuple[str, tuple[Any, ...]], rows: QuerySet[Any]) -> list[Any]:
    """Return what a statement selects from the database of a queryset."""
    with connections[rows.db].cursor() as cursor:
        cursor.execute(*statement)
        selected: list[Any] = cursor.fetchall()
    return selected


def shared_first_rows(everything: QuerySet[Any], rows: QuerySet[Any]) -> list[Any]:
    """Return the rows that leave at once, of an unfiltered list in the database of a queryset."""
    return beginning(everything, rows.db)(None)


def first_rows(rows: QuerySet[Any]) -> list[Any]:
    """Return the rows that leave at once."""
    return list(rows[:FIRST_BATCH])


def stream(rows: QuerySet[Any], first: list[Any], key: str | None) -> HttpResponseBase:
    """Answer with all rows, the first of which are at hand, in memory that does not grow.

    When the database fails on the way the exception reaches gunicorn, which cuts the connection:
    a list that is not whole does not look whole.
    """
    opening, closing = brackets(key)
    start = opening + join(first)
    if len(first) < FIRST_BATCH:
        return HttpResponse(start + closing, content_type=JSON)
    chunks = all_chunks(start, remaining_chunks(rows, after=first[-1][0]), closing)
    return StreamingHttpResponse(chunks, content_type=JSON)


def brackets(key: str | None) -> tuple[str, str]:
    """Return what stands before and after the rows of a list."""
    return (f'{{"{key}":[', "]}") if key else ("[", "]")


def all_chunks(start: str, rest: Iterator[str], end: str) -> Iterator[str]:
    """Yield a list; what closes this when a client has gone also closes the rest."""
    try:
        yield start
        yield from rest
        yield end
    finally:
        release_connections()  # also where the rest could not be read


def remaining_chunks(rows: QuerySet[Any], after: int) -> Iterator[str]:
    """Yield the rows that were there when the list was asked for, a batch at a time.

    Each batch is a statement of its own, and between two of them others have the connection: a
    slow reader holds no cursor, no snapshot and no connection.
    """
    with STREAMS:
        # Not by max(): over a join PostgreSQL would read the whole table for it.
        (last,) = read(rows.order_by("-pk").values_list("pk", flat=True)[:1], list) or (after,)
        sql, parameters = joined_batch(rows.filter(pk__lte=last))
        while after < last:
            values = tuple(after if value == AFTER else value for value in parameters)
            fetch = partial(execute, (sql, values))
            ((text, newest),) = read(rows, fetch)
            release_connections()
            if newest is None:  # deleted meanwhile, or not yet on this replica
                ((text, newest),) = fetch(rows)
                release_connections()
            if newest is None:
                return
            text = "," + text
            for start in range(0, len(text), PIECE):
                yield text[start : start + PIECE]
            after = newest


def joined_batch(rows: QuerySet[Any]) -> tuple[str, tuple[Any, ...]]:
    """Return the statement for a batch's text and its last id, and its parameters.

    The ORM writes it once for all batches, with AFTER for the id that a batch starts after.
    """
    sql, parameters = rows.filter(pk__gt=AFTER)[:BATCH].query.sql_with_params()
    joined = f"SELECT string_agg(json, ','), max(pk) FROM ({sql}) AS batch (pk, json)"  # noqa: S608
    return joined, parameters


def join(batch: list[tuple[int, str]]) -> str:
    """Return the JSON of some rows, with commas between them."""
    return ",".join([text for _, text in batch])
