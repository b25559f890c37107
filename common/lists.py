"""Lists: whole ones are streamed, shorter ones are pages that start after an id."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache, partial
from threading import Semaphore
from typing import Any, NamedTuple

from django.db import connections
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from common.json_rows import Statement, join, rows_as_json
from common.paging import KeysetPagination
from common.postgresql.pool import release_connections
from common.postgresql.replica import read
from common.shared_pages import Page, fetch_page, fetch_shared_page
from common.shared_statement import SharedStatement

JSON = "application/json"
# The first rows leave at once; the rest comes in batches that are worth a statement each.
FIRST_BATCH = 200
BATCH = 6000
AFTER = -1  # stands in a statement for the id that a batch starts after; no row has it
# A client has CLIENT_TIMEOUT for each piece, so it may be slow.
PIECE = 128 * 1024  # bytes
# Lists that a process sends at once, each with a batch in memory; further ones wait.
STREAMS = Semaphore(100)


class Batch(NamedTuple):
    """Rows of a list that stand one after the other."""

    json: bytes  # with commas between them
    rows: int
    last: int | None  # the id of the last, where there are any


class StreamedListMixin:
    """Offer `list`: a page where one is asked for, otherwise all rows, by ascending id."""

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        if request.accepted_renderer.format != "json":
            page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
            return self.get_paginated_response(self.get_serializer(page, many=True).data)
        everything = rows = rows_as_json(self.queryset, self.serializer_class)
        if request.META.get("QUERY_STRING"):
            after, size = self.paginator.get_window(request)
            rows = self.filter_queryset(everything)  # which may ask the database
            if size:
                fetch = fetch_shared_page if rows is everything else fetch_page
                return page_of(fetch(rows, after, size), self.paginator, request)
            if after:
                rows = rows.filter(pk__gt=after)
        if request.method == "HEAD":
            return StreamingHttpResponse(content_type=JSON)
        begin = partial(shared_beginning, everything) if rows is everything else beginning
        return stream(rows, read(rows, begin), self.paginator.key)


def page_of(page: Page, paginator: KeysetPagination, request: Request) -> HttpResponse:
    """Answer with a page."""
    if page.next_after is not None:
        paginator.link_next(request, page.next_after)
    opening, closing = brackets(paginator.key)
    body = opening + page.json + closing
    return HttpResponse(body, content_type=JSON, headers=paginator.get_headers())


def stream(rows: QuerySet[Any], first: Batch, key: str | None) -> HttpResponseBase:
    """Answer with all rows, the first of which are at hand, in memory that does not grow.

    When the database fails on the way the exception reaches gunicorn, which cuts the connection:
    a list that is not whole does not look whole.
    """
    opening, closing = brackets(key)
    start = opening + first.json
    if first.last is None or first.rows < FIRST_BATCH:
        return HttpResponse(start + closing, content_type=JSON)
    chunks = all_chunks(start, remaining_chunks(rows, first.last), closing)
    return StreamingHttpResponse(chunks, content_type=JSON)


def brackets(key: str | None) -> tuple[bytes, bytes]:
    """Return what stands before and after the rows of a list."""
    return (f'{{"{key}":['.encode(), b"]}") if key else (b"[", b"]")


def all_chunks(start: bytes, rest: Iterator[bytes], end: bytes) -> Iterator[bytes]:
    """Yield a list; what closes this when a client has gone also closes the rest."""
    yield start
    yield from rest
    yield end


def remaining_chunks(rows: QuerySet[Any], after: int) -> Iterator[bytes]:
    """Yield the rows that were there when the list was asked for, a batch at a time.

    Each batch is a statement of its own, and between two of them others have the connection: a
    slow reader holds no cursor, no snapshot and no connection.
    """
    with STREAMS, ExitStack() as stack:
        stack.callback(release_connections)  # also where a read fails
        # Not by max(): over a join PostgreSQL would read the whole table for it.
        (last,) = read(rows.order_by("-pk").values_list("pk", flat=True)[:1], list) or (after,)
        # Written once: for each batch the ORM would take about a millisecond.
        statement = joined(rows.filter(pk__lte=last, pk__gt=AFTER)[:BATCH])
        while after < last:
            fetch = partial(fetch_batch, starting_after(after, statement))
            batch = read(rows, fetch)
            release_connections()
            if batch.last is None:  # deleted meanwhile, or not yet on this replica
                batch = fetch(rows)
                release_connections()
            if batch.last is None:
                return
            yield b"," + batch.json[:PIECE]
            for start in range(PIECE, len(batch.json), PIECE):
                yield batch.json[start : start + PIECE]
            after = batch.last


def beginning(rows: QuerySet[Any]) -> Batch:
    """Return the rows that leave at once."""
    first = list(rows[:FIRST_BATCH])
    return Batch(join(first), len(first), first[-1][0] if first else None)


def shared_beginning(everything: QuerySet[Any], rows: QuerySet[Any]) -> Batch:
    """Return the rows that leave at once, of an unfiltered list in the database of a queryset."""
    return shared(everything, rows.db, FIRST_BATCH)(None)


@cache
def shared(everything: QuerySet[Any], database: str, count: int) -> SharedStatement[None, Batch]:
    """Return what selects the first rows of an unfiltered list, for all who ask at one moment.

    Its statement is written once: the ORM takes longer for that than PostgreSQL to run it.
    """
    rows = everything.using(database)
    statement = joined(rows[:count])
    return SharedStatement(lambda requests: [fetch_batch(statement, rows)] * len(requests))


def fetch_batch(statement: Statement, rows: QuerySet[Any]) -> Batch:
    """Return the batch that a statement selects from the database of a queryset."""
    with connections[rows.db].cursor() as cursor:
        cursor.execute(*statement)
        text, count, last = cursor.fetchone()
        return Batch(text.encode(), count, last)


def joined(rows: QuerySet[Any]) -> Statement:
    """Return the statement for some rows as a batch."""
    sql, parameters = rows.query.sql_with_params()
    columns = "coalesce(string_agg(json, ','), ''), count(*), max(pk)"
    return f"SELECT {columns} FROM ({sql}) AS batch (pk, json)", parameters  # noqa: S608


def starting_after(pk: int, statement: Statement) -> Statement:
    """Return a statement with an id in the place of AFTER."""
    sql, parameters = statement
    return sql, tuple(pk if value == AFTER else value for value in parameters)
