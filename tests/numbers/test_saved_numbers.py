"""GET /get-saved-numbers."""

import json
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client

from common.fast import lists, mixins
from common.fast.json_rows import json_rows
from numbers_project.random_numbers.filters import UserFilter
from numbers_project.random_numbers.models import GeneratedNumber
from numbers_project.random_numbers.views import SavedNumberViewSet

pytestmark = pytest.mark.django_db
URL = "/get-saved-numbers"


def listed(response) -> list[dict[str, object]]:
    return json.loads(response.getvalue())["savedNumbers"]


def test_an_empty_table_is_an_empty_list(client: Client) -> None:
    assert client.get(URL).json() == {"savedNumbers": []}


def test_a_number_is_listed_with_the_keys_of_the_original(client: Client, ankur: int) -> None:
    drawn = GeneratedNumber.objects.generate("ankur", 6)
    assert listed(client.get(URL)) == [
        {
            "id": drawn.id,
            "username": "ankur",
            "number": drawn.number,
            "limit": 6,
            "createdAt": drawn.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
    ]


def test_a_page_and_the_complete_list_have_the_same_rows(client: Client, ankur: int) -> None:
    for _ in range(5):
        GeneratedNumber.objects.generate("ankur")
    assert listed(client.get(URL)) == listed(client.get(f"{URL}?page_size=5"))


@pytest.mark.parametrize("query", ["", "?page_size=9"])
def test_a_list_takes_one_query(client: Client, ankur, query, django_assert_num_queries) -> None:
    for _ in range(5):
        GeneratedNumber.objects.generate("ankur")
    with django_assert_num_queries(1):
        client.get(URL + query)


@pytest.mark.parametrize("query", ["", "?page_size=9"])
def test_a_deleted_users_number_is_listed(
    client: Client, ankur, users_database, query: str
) -> None:
    drawn = GeneratedNumber.objects.generate("ankur")
    users_database.cursor().execute("DELETE FROM users_user")
    (row,) = listed(client.get(URL + query))
    assert (row["id"], row["username"]) == (drawn.id, None)
    assert GeneratedNumber.objects.count() == 1


def test_a_renamed_user_is_listed_with_the_new_name(client: Client, ankur, users_database) -> None:
    GeneratedNumber.objects.generate("ankur")
    users_database.cursor().execute("UPDATE users_user SET name = 'ankita'")
    assert listed(client.get(URL))[0]["username"] == "ankita"


def test_numbers_can_be_filtered_by_user(
    client: Client, ankur: int, register: Callable[[str], int]
) -> None:
    register("someone")
    mine = [GeneratedNumber.objects.generate("ankur").id for _ in range(3)]
    GeneratedNumber.objects.generate("someone")
    assert [row["id"] for row in listed(client.get(URL, {"user": "ankur"}))] == mine
    assert listed(client.get(URL, {"user": "nobody"})) == []


def test_the_next_link_keeps_the_filter_by_user(client: Client, ankur, register) -> None:
    register("someone")
    for name in ("ankur", "someone", "ankur"):
        GeneratedNumber.objects.generate(name)
    response = client.get(f"{URL}?user=ankur&page_size=1")
    url = response.headers["Link"].removeprefix("<").removesuffix('>; rel="next"')
    assert [row["username"] for row in listed(client.get(url))] == ["ankur"]
    assert "Link" not in client.get(url).headers


def test_a_stream_has_every_row_once(client: Client, ankur, monkeypatch) -> None:
    monkeypatch.setattr(mixins, "FIRST_BATCH", 2)
    monkeypatch.setattr(lists, "BATCH", 3)
    ids = [GeneratedNumber.objects.generate("ankur").id for _ in range(12)]
    assert [row["id"] for row in listed(client.get(URL))] == ids
    assert [row["id"] for row in listed(client.get(f"{URL}?user=ankur"))] == ids


def test_numbers_of_a_user_are_read_in_order_from_the_index(ankur: int, numbers_database) -> None:
    """This includes a user who has most of the rows, which the planner knows."""
    with numbers_database.cursor() as cursor:
        cursor.execute(
            'INSERT INTO random_numbers_generatednumber (user_id, "limit", number)'
            " SELECT %s, 6, 6 FROM generate_series(1, 10000)",
            [ankur],
        )
        cursor.execute("ANALYZE random_numbers_generatednumber")
    queryset = UserFilter().apply(GeneratedNumber.objects.order_by("id"), "ankur")
    plan = queryset.filter(id__gt=5)[:100].explain()
    assert "Index Scan" in plan
    assert "Sort" not in plan


@pytest.fixture
def many(users_database, numbers_database) -> int:
    """As many numbers as users, each of another one; returns how many."""
    rows = 100_000
    with users_database.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        names = "SELECT 'many ' || i FROM generate_series(1, %s) AS i"
        cursor.execute(f"INSERT INTO users_user (name) {names} RETURNING id", [rows])
        ids = [pk for (pk,) in cursor]
        cursor.execute("ANALYZE users_user")
    with numbers_database.cursor() as cursor:
        cursor.execute(
            'INSERT INTO random_numbers_generatednumber (user_id, "limit", number)'
            " SELECT id, 6, 6 FROM unnest(%s) AS id",
            [ids],
        )
        cursor.execute("ANALYZE random_numbers_generatednumber")
    return rows


@pytest.mark.parametrize(("size", "pages"), [(1000, 2), (lists.BATCH, 1)])
def test_pages_use_the_primary_key_index(many: int, size: int, pages: int) -> None:
    """PostgreSQL reads the rows of the pages, and not all that follow."""
    rows = json_rows(SavedNumberViewSet.queryset, SavedNumberViewSet.serializer_class)
    sql, parameters = lists.JSONList(rows).statement(size)
    first = GeneratedNumber.objects.order_by("id").values_list("id", flat=True)[0]
    afters = [first + 5000 * page for page in range(pages)]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}", [afters, [first + many] * pages, *parameters])
        plan = "\n".join(line for (line,) in cursor)
    assert "Index Cond: (id > _bounds.after)" in plan
    assert 'Index Cond: (id > (max("row".id)))' in plan  # is there more?
    assert "Seq Scan" not in plan
    assert "Sort" not in plan
    assert "JIT" not in plan


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("query", ["", "?page_size=9"])
def test_a_users_table_that_cannot_be_read_is_503(
    client: Client, ankur: int, users_database, query: str
) -> None:
    cursor = users_database.cursor()
    cursor.execute("REVOKE SELECT (id, name) ON users_user FROM users_reader")
    try:
        response = client.get(URL + query)
        assert response.status_code == 503
        assert response.headers["Retry-After"]
        assert "not available" in response.json()["error"]
    finally:
        cursor.execute("GRANT SELECT (id, name) ON users_user TO users_reader")
