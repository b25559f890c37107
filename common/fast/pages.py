"""Pages of JSON rows; those that are asked for at one moment share a statement."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from django.db import connections
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from common.database.coalescing import SharedStatement
from common.database.replica import read
from common.fast.json_rows import Statement, join

# Rows of a statement. They are in memory together, and for ten times as many PostgreSQL would
# compile the statement first (jit_above_cost).
MOST_ROWS = 5000


class Page(NamedTuple):
    """Rows that stand one after the other."""

    json: bytes  # with commas between them
    next_after: int | None  # the id that the next page starts after, where there is one


def fetch_page(rows: QuerySet[Any], after: int, size: int) -> Page:
    """Return the page that starts after an id."""
    following = rows.filter(pk__gt=after) if after else rows  # ids begin with 1
    found = read(following[: size + 1], list)
    return Page(join(found[:size]), found[size - 1][0] if len(found) > size else None)


def fetch_shared_page(everything: QuerySet[Any], after: int, size: int) -> Page:
    """Return the same of an unfiltered list, by one statement for all who ask at one moment."""
    return shared_pages(everything, size)(after)


@cache
def shared_pages(everything: QuerySet[Any], size: int) -> SharedStatement[int, Page]:
    """Return what selects pages of one size.

    Its statement is written once: the ORM takes longer for that than PostgreSQL to run it.
    """
    statement = pages_statement(everything, size)

    def select(afters: Sequence[int]) -> list[Page]:
        return read(everything, lambda rows: select_pages(statement, rows.db, afters))

    return SharedStatement(select, most=MOST_ROWS // size)


def pages_statement(rows: QuerySet[Any], size: int) -> Statement:
    """Return the statement that selects pages, given the ids that they start after."""
    page = rows.filter(pk__gt=RawSQL("after.id", ()))[:size]
    newest = rows.order_by("-pk").values_list("pk")[:1]
    page_sql, page_parameters = page.query.sql_with_params()
    newest_sql, newest_parameters = newest.query.sql_with_params()
    sql = f"""
        SELECT after.id, coalesce(json, ''), CASE WHEN last < newest.id THEN last END
        FROM unnest(%s::bigint[]) AS after (id)
        CROSS JOIN LATERAL (
            SELECT string_agg(json, ','), max(id) FROM ({page_sql}) AS row (id, json)
        ) AS page (json, last)
        CROSS JOIN (SELECT ({newest_sql})) AS newest (id)
    """  # noqa: S608
    return sql, page_parameters + newest_parameters


def select_pages(statement: Statement, database: str, afters: Sequence[int]) -> list[Page]:
    """Return the pages that start after ids."""
    sql, parameters = statement
    with connections[database].cursor() as cursor:
        cursor.execute(sql, [list(set(afters)), *parameters])
        pages = {after: Page(json.encode(), end) for after, json, end in cursor.fetchall()}
    return [pages[after] for after in afters]
