"""Lists: whole ones are streamed, shorter ones are pages that start after an id."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from threading import Semaphore
from typing import Any

from django.db import connections
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from rest_framework.request import Request

from common.api.pagination import KeysetPagination
from common.database import deadline
from common.database.pool import release_connections
from common.database.replica import read
from common.fast.json_rows import Statement, rows_as_json, shared_rows_as_json
from common.fast.pages import Page, fetch_page, fetch_shared_page

FetchPage = Callable[[QuerySet[Any], int, int], Page]

JSON = "application/json"
# The first rows leave at once; the rest comes in batches that are worth a statement each.
FIRST_BATCH = 200
BATCH = 6000
# Each list that is being sent has a batch in memory, for as long as its client takes to read it:
# of a process's lists so many have long ones, and the others short ones.
LONG_BATCHES = Semaphore(25)
SHORT_BATCH = 500
AFTER = -1  # stands in a statement for the id that a batch starts after; no row has it
# A client has CLIENT_TIMEOUT for each piece, so it may be slow.
PIECE = 128 * 1024  # bytes


class StreamedListMixin:
    """Offer `list`: a page where one is asked for, otherwise all rows, by ascending id."""

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        if request.accepted_renderer.format != "json":
            page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
            return self.get_paginated_response(self.get_serializer(page, many=True).data)
        after, size = 0, None
        if request.META.get("QUERY_STRING"):
            after, size = self.paginator.get_window(request)
        rows, fetch = self.get_json_rows(request)
        first = fetch(rows, after, size or FIRST_BATCH)
        if size or first.next_after is None:
            return page_of(first, self.paginator, request)
        if request.method == "HEAD":
            return StreamingHttpResponse(content_type=JSON)
        # Where the database fails on the way the exception reaches gunicorn, which cuts the
        # connection: a list that is not whole does not look whole.
        chunks = all_chunks(rows, first.json, first.next_after, self.paginator.key)
        return StreamingHttpResponse(chunks, content_type=JSON)

    def get_json_rows(self, request: Request) -> tuple[QuerySet[Any], FetchPage]:
        """Return the rows that a request sees, and what fetches a page of them."""
        if not self.is_for_all():
            rows = self.filter_queryset(self.get_queryset())
            return rows_as_json(rows, self.get_serializer_class()), fetch_page
        everything = shared_rows_as_json(self.queryset, self.serializer_class)
        if not request.META.get("QUERY_STRING"):
            return everything, fetch_shared_page
        rows = self.filter_queryset(everything)  # which may ask the database
        return rows, fetch_shared_page if rows is everything else fetch_page


def page_of(page: Page, paginator: KeysetPagination, request: Request) -> HttpResponse:
    """Answer with a page."""
    if page.next_after is not None:
        paginator.link_next(request, page.next_after)
    opening, closing = brackets(paginator.key)
    body = opening + page.json + closing
    return HttpResponse(body, content_type=JSON, headers=paginator.get_headers())


def brackets(key: str | None) -> tuple[bytes, bytes]:
    """Return what stands before and after the rows of a list."""
    return (f'{{"{key}":['.encode(), b"]}") if key else (b"[", b"]")


def all_chunks(rows: QuerySet[Any], first: bytes, after: int, key: str | None) -> Iterator[bytes]:
    """Yield a list of which the first rows, up to an id, are at hand.

    What closes this when a client has gone also closes the rest.
    """
    opening, closing = brackets(key)
    yield opening + first
    yield from remaining_chunks(rows, after)
    yield closing


def remaining_chunks(rows: QuerySet[Any], after: int) -> Iterator[bytes]:
    """Yield the rows that were there when the list was asked for, a batch at a time.

    Each batch is a statement of its own, and between two of them others have the connection: a
    slow reader holds no cursor, no snapshot and no connection.
    """
    with ExitStack() as stack:
        stack.callback(release_connections)  # also where a read fails
        size = SHORT_BATCH
        if LONG_BATCHES.acquire(blocking=False):
            stack.callback(LONG_BATCHES.release)
            size = BATCH
        # Not by max(): over a join PostgreSQL would read the whole table for it.
        newest = rows.order_by("-pk").values_list("pk", flat=True)[:1]
        (last,) = read_anew(newest, list) or (after,)
        # Written once: for each batch the ORM would take about a millisecond.
        statement = joined(rows.filter(pk__lte=last, pk__gt=AFTER)[:size])
        while after < last:
            fetch = partial(fetch_batch, starting_after(after, statement))
            batch, end = read_anew(rows, fetch)
            if end is None:  # deleted meanwhile, or not yet on this replica
                batch, end = fetch(rows)
                release_connections()
            if end is None:
                return
            for start in range(0, len(batch), PIECE):
                yield batch[start : start + PIECE]
            after = end


def read_anew(rows: QuerySet[Any], fetch: Callable[[QuerySet[Any]], Any]) -> Any:
    """Read with all the time that a request has; the client may have taken long until now."""
    deadline.restart()
    found = read(rows, fetch)
    release_connections()
    return found


def fetch_batch(statement: Statement, rows: QuerySet[Any]) -> tuple[bytes, int | None]:
    """Return what a statement selects from a queryset's database: JSON, and the last id."""
    with connections[rows.db].cursor() as cursor:
        cursor.execute(*statement)
        text, last = cursor.fetchone()
        return text.encode(), last


def joined(rows: QuerySet[Any]) -> Statement:
    """Return the statement that joins the JSON of some rows, with a comma before each."""
    sql, parameters = rows.query.sql_with_params()
    columns = "coalesce(',' || string_agg(json, ','), ''), max(pk)"
    return f"SELECT {columns} FROM ({sql}) AS batch (pk, json)", parameters  # noqa: S608


def starting_after(pk: int, statement: Statement) -> Statement:
    """Return a statement with an id in the place of AFTER."""
    sql, parameters = statement
    return sql, tuple(pk if value == AFTER else value for value in parameters)
