"""Lists as JSON text from PostgreSQL: in pages, or complete and streamed in constant memory.

A list of 1,000,000 rows takes 3 MiB more memory. The first row is sent after 3 ms, whatever the
length, and lists of 100,000 rows reach ten to twenty times the rate of REST framework's mixin.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from threading import Semaphore
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from common.api.fields import LARGEST_ID, SMALLEST_ID
from common.database.coalescing import Coalesced, coalesced
from common.database.deadline import request_budget
from common.database.pool import checkout
from common.database.replica import read
from common.fast.json_rows import json_rows

Statement = tuple[str, tuple[Any, ...]]  # SQL and its parameters
Bounds = tuple[int, int]  # the id after which a page starts, and the largest id that it may have

# Rows. A short first batch is sent at once; longer ones after it need fewer statements.
FIRST_BATCH = 200
BATCH = 6000
# Each stream keeps a batch in memory until its client has read it. Only this many streams of a
# process have long batches at a time; the others have short ones.
LONG_BATCHES = Semaphore(25)
SHORT_BATCH = 500
# The unit of a write. CLIENT_TIMEOUT applies to each, so a slow client has time for a batch.
PIECE = 128 * 1024  # bytes
# The most rows that pages of one statement may have together. All of them are in memory at once,
# and for ten times as many, PostgreSQL would compile the statement first (jit_above_cost).
MAX_COALESCED_ROWS = 5000

# Columns of the statement below. Its subqueries would take a model's table of the same name
# instead, so no model's table may have it.
AFTER, UNTIL, LAST = "_bounds.after", "_bounds.until", "_page.last"


class Page(NamedTuple):
    """Consecutive rows in the order of their ids."""

    json: bytes  # the rows, separated by commas
    last: int | None  # the last row's id, None if there are no rows
    has_more: bool


class JSONList:
    """A list of rows, given with their JSON (see json_rows.py)."""

    def __init__(self, queryset: QuerySet[Any]) -> None:
        self.queryset = queryset
        self.rows = queryset.values_list("pk", "json")
        self._coalesced: dict[int, Coalesced[int, Page]] = {}

    def page(self, after: int, size: int) -> Page:
        """Return the page of `size` rows that starts after an id."""
        following = self.rows if after == SMALLEST_ID else self.rows.filter(pk__gt=after)
        found = read(following[: size + 1], list)
        rows = found[:size]
        json = ",".join([text for _, text in rows]).encode()
        return Page(json, rows[-1][0] if rows else None, len(found) > size)

    def coalesced_page(self, after: int, size: int) -> Page:
        """Return the same page from a statement that concurrent requests share.

        The SQL is compiled once: the ORM takes longer to do that than PostgreSQL to run it.
        """
        if size not in self._coalesced:
            try:
                statement = self.statement(size)
            except EmptyResultSet:  # as of .none(), for which no database is asked
                return self.page(after, size)
            self._coalesced[size] = coalesced(
                lambda afters: self.pages(statement, [(after, LARGEST_ID) for after in afters]),
                max_batch_size=max(1, MAX_COALESCED_ROWS // size),
                using=self.rows.db,
            )
        return self._coalesced[size]([after])[0]

    def statement(self, size: int) -> Statement:
        """Return the statement that selects pages of a size, each within its bounds."""
        following = self.rows.filter(pk__gt=RawSQL(AFTER, ()))  # noqa: S611
        page, parameters = following[:size].query.sql_with_params()
        # The upper bound is outside the page. Inside it PostgreSQL would expect so few rows that it
        # would join and sort all that are left, for each batch of a list.
        sql = f"""
            SELECT {AFTER}, {UNTIL}, coalesce(json, ''), last, more.exist
            FROM unnest(%s::bigint[], %s::bigint[]) AS _bounds (after, until)
            CROSS JOIN LATERAL (
                SELECT string_agg(json, ','), max(id) FROM ({page}) AS row (id, json)
                WHERE id <= {UNTIL}
            ) AS _page (json, last)
            CROSS JOIN LATERAL (
                SELECT EXISTS (SELECT FROM ({page.replace(AFTER, LAST)}) AS row (id)
                WHERE id <= {UNTIL})
            ) AS more (exist)
        """  # noqa: S608
        return sql, parameters * 2

    def pages(self, statement: Statement, bounds: Sequence[Bounds]) -> list[Page]:
        """Return a page for each of the bounds, from the replica if there is one."""
        return read(self.rows, lambda rows: select_pages(rows.db, statement, bounds))

    def stream(self, first: Page, key: str | None) -> Iterator[bytes]:
        """Yield the complete list in batches, beginning with its first page.

        It ends at the id that is largest after the first page, so new rows cannot make it endless.
        Each batch is a statement of its own, after which the connection is released: a slow reader
        does not hold a cursor, a snapshot or a connection.
        """
        opening, closing = brackets(key)
        yield opening + first.json
        with batch_size() as size:
            yield from self._remaining(SMALLEST_ID if first.last is None else first.last, size)
        yield closing

    def _remaining(self, after: int, size: int) -> Iterator[bytes]:
        # Not max(): with a join, PostgreSQL would read the whole table for it.
        ids = self.rows.order_by("-pk").values_list("pk", flat=True)[:1]
        with request_budget(), checkout():
            (until,) = read(ids, list) or (after,)
        statement = self.statement(size)
        while after < until:
            bounds = [(after, until)]
            with request_budget(), checkout():
                (batch,) = self.pages(statement, bounds)
                if batch.last is None:  # deleted meanwhile, or not replicated yet
                    (batch,) = select_pages(self.rows.db, statement, bounds)
            if batch.last is None:
                return
            yield from pieces(b"," + batch.json)
            after = batch.last


@lru_cache  # of some, since a view may make a queryset for each request
def whole_list(queryset: QuerySet[Any], serializer_class: Any) -> JSONList:
    """Return the JSONList that all requests for a list share."""
    return JSONList(json_rows(queryset, serializer_class))


def select_pages(database: str, statement: Statement, bounds: Sequence[Bounds]) -> list[Page]:
    """Return a page for each of the bounds."""
    sql, parameters = statement
    with connections[database].cursor() as cursor:
        distinct = set(bounds)
        afters, untils = ([*column] for column in zip(*distinct, strict=True))
        cursor.execute(sql, [afters, untils, *parameters])
        pages = {
            (after, until): Page(json.encode(), last, has_more)
            for after, until, json, last, has_more in cursor.fetchall()
        }
    return [pages[one] for one in bounds]


@contextmanager
def batch_size() -> Iterator[int]:
    """Yield the number of rows in a stream's batches: BATCH while LONG_BATCHES allows it."""
    if not LONG_BATCHES.acquire(blocking=False):
        yield SHORT_BATCH
        return
    try:
        yield BATCH
    finally:
        LONG_BATCHES.release()


def pieces(batch: bytes) -> Iterator[bytes]:
    """Split a batch into pieces of at most PIECE bytes."""
    for start in range(0, len(batch), PIECE):
        yield batch[start : start + PIECE]


def brackets(key: str | None) -> tuple[bytes, bytes]:
    """Return the JSON before and after the rows of a list."""
    return (f'{{"{key}":['.encode(), b"]}") if key else (b"[", b"]")
