"""Lists as JSON text that PostgreSQL writes: in pages, or whole and streamed in constant memory.

A list of 1,000,000 rows adds 3 MiB, its first row leaves after 3 ms whatever its length, and lists
of 100,000 rows come at ten to twenty times the rate of REST framework's own mixin.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from threading import Semaphore
from typing import Any, NamedTuple

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
Bounds = tuple[int, int]  # the id that a page starts after, and the last id that it may have

# A stream's first rows leave at once. The others come in batches that are worth a statement each.
FIRST_BATCH = 200
BATCH = 6000
# Each stream has a batch in memory for as long as its client takes to read it. So many streams of
# a process have long batches, and the others short ones.
LONG_BATCHES = Semaphore(25)
SHORT_BATCH = 500
# A client has CLIENT_TIMEOUT for each piece, so it may be slow.
PIECE = 128 * 1024  # bytes
# Rows of the pages that share a statement. They are in memory together, and for ten times as many
# PostgreSQL would compile the statement first (jit_above_cost).
MAX_COALESCED_ROWS = 5000

# Columns of the statement below. Its subqueries would take a model's table of the same name
# instead, so no model's table may have it.
AFTER, UNTIL, LAST = "_bounds.after", "_bounds.until", "_page.last"


class Page(NamedTuple):
    """Rows that follow each other by ascending id."""

    json: bytes  # with commas between them
    last: int | None  # the last row's id, None where there are no rows
    has_more: bool


class JSONList:
    """The rows of a list, as pairs of id and JSON (see json_rows.py)."""

    def __init__(self, rows: QuerySet[Any]) -> None:
        self.rows = rows
        self._coalesced: dict[int, Coalesced[int, Page]] = {}

    def page(self, after: int, size: int) -> Page:
        """Return the page that starts after an id."""
        found = read(self.rows.filter(pk__gt=after)[: size + 1], list)
        rows = found[:size]
        json = ",".join([text for _, text in rows]).encode()
        return Page(json, rows[-1][0] if rows else None, len(found) > size)

    def coalesced_page(self, after: int, size: int) -> Page:
        """Return the same from a statement that requests of one moment share.

        The statement is written once. The ORM takes longer for that than PostgreSQL for the page.
        """
        if size not in self._coalesced:
            statement = self.statement(size)
            self._coalesced[size] = coalesced(
                lambda afters: self.pages(statement, [(after, LARGEST_ID) for after in afters]),
                max_batch_size=max(1, MAX_COALESCED_ROWS // size),
            )
        return self._coalesced[size]([after])[0]

    def statement(self, size: int) -> Statement:
        """Return the statement that selects pages of a size, each within its bounds."""
        after, until = (RawSQL(column, ()) for column in (AFTER, UNTIL))  # noqa: S611
        following = self.rows.filter(pk__gt=after, pk__lte=until)
        page, parameters = following[:size].query.sql_with_params()
        sql = f"""
            SELECT {AFTER}, {UNTIL}, coalesce(json, ''), last, more.exist
            FROM unnest(%s::bigint[], %s::bigint[]) AS _bounds (after, until)
            CROSS JOIN LATERAL (
                SELECT string_agg(json, ','), max(id) FROM ({page}) AS row (id, json)
            ) AS _page (json, last)
            CROSS JOIN LATERAL (
                SELECT EXISTS (SELECT FROM ({page.replace(AFTER, LAST)}) AS row)
            ) AS more (exist)
        """  # noqa: S608
        return sql, parameters * 2

    def pages(self, statement: Statement, bounds: Sequence[Bounds]) -> list[Page]:
        """Return the pages within bounds, from the replica where there is one."""
        return read(self.rows, lambda rows: select_pages(rows.db, statement, bounds))

    def stream(self, first: Page, key: str | None) -> Iterator[bytes]:
        """Yield the whole list, of which the first page is at hand, a batch at a time.

        It has the rows that were there when it was asked for. Each batch is a statement of its
        own, and between two of them other requests have the connection: a slow reader holds no
        cursor, no snapshot and no connection.
        """
        opening, closing = brackets(key)
        yield opening + first.json
        with batch_size() as size:
            yield from self._remaining(SMALLEST_ID if first.last is None else first.last, size)
        yield closing

    def _remaining(self, after: int, size: int) -> Iterator[bytes]:
        # Not by max(): over a join PostgreSQL would read the whole table for it.
        ids = self.rows.order_by("-pk").values_list("pk", flat=True)[:1]
        with request_budget(), checkout():
            (until,) = read(ids, list) or (after,)
        statement = self.statement(size)
        while after < until:
            bounds = [(after, until)]
            with request_budget(), checkout():
                (batch,) = self.pages(statement, bounds)
                if batch.last is None:  # deleted meanwhile, or not yet on the replica
                    (batch,) = select_pages(self.rows.db, statement, bounds)
            if batch.last is None:
                return
            yield from pieces(b"," + batch.json)
            after = batch.last


@lru_cache  # of some, since a view may make a queryset for each request
def whole_list(queryset: QuerySet[Any], serializer_class: Any) -> JSONList:
    """Return the one object for a list that all clients see alike."""
    return JSONList(json_rows(queryset, serializer_class))


def select_pages(database: str, statement: Statement, bounds: Sequence[Bounds]) -> list[Page]:
    """Return the pages within bounds."""
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
    """Have long batches where not too many others have them."""
    if not LONG_BATCHES.acquire(blocking=False):
        yield SHORT_BATCH
        return
    try:
        yield BATCH
    finally:
        LONG_BATCHES.release()


def pieces(batch: bytes) -> Iterator[bytes]:
    """Yield a batch in pieces."""
    for start in range(0, len(batch), PIECE):
        yield batch[start : start + PIECE]


def brackets(key: str | None) -> tuple[bytes, bytes]:
    """Return what stands before and after the rows of a list."""
    return (f'{{"{key}":['.encode(), b"]}") if key else (b"[", b"]")
