"""GET /users and GET /users/{id}."""

import gc
import json
import weakref
from threading import Semaphore

import pytest
from django.db.models import DateTimeField, IntegerField, TextField
from django.db.models.functions import Cast
from django.test import Client, RequestFactory
from rest_framework import serializers

from common.fast import lists
from common.fast.json_rows import rows_as_json
from users_project.users.models import User
from users_project.users.views import UserViewSet

pytestmark = pytest.mark.django_db


@pytest.fixture
def names() -> list[str]:
    names = [f"user {number}" for number in range(10)]
    for name in names:
        User.objects.register(name)
    return names


def listed(response) -> list[str]:
    return [row["name"] for row in json.loads(response.getvalue())]


def test_an_empty_list_is_a_list(client: Client) -> None:
    assert client.get("/users").json() == []


def test_all_users_are_listed_by_ascending_id(client: Client, names: list[str]) -> None:
    response = client.get("/users")
    assert listed(response) == names
    assert response.headers["Content-Type"] == "application/json"


def test_a_short_list_is_one_statement(client: Client, names, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        client.get("/users")


@pytest.mark.parametrize("rows", range(8))
def test_a_streamed_list_is_whole_whatever_its_length(
    client: Client, monkeypatch, rows: int
) -> None:
    monkeypatch.setattr(lists, "FIRST_BATCH", 2)
    monkeypatch.setattr(lists, "BATCH", 3)
    names = [f"user {number}" for number in range(rows)]
    for name in names:
        User.objects.register(name)
    assert listed(client.get("/users")) == names


def test_a_list_does_not_wait_for_those_that_others_read_slowly(
    client: Client, monkeypatch, names
) -> None:
    monkeypatch.setattr(lists, "FIRST_BATCH", 2)
    monkeypatch.setattr(lists, "SHORT_BATCH", 1)
    monkeypatch.setattr(lists, "LONG_BATCHES", Semaphore(1))
    slow = client.get("/users").streaming_content
    slow_chunks = [next(slow) for _ in range(2)]
    chunks = list(client.get("/users").streaming_content)
    assert [user["name"] for user in json.loads(b"".join(chunks))] == names
    assert len(chunks) > len(names) - 2
    slow_chunks += slow
    assert [user["name"] for user in json.loads(b"".join(slow_chunks))] == names
    assert len(slow_chunks) == 3
    assert lists.LONG_BATCHES.acquire(blocking=False)


def test_a_stream_ends_although_rows_are_added(client: Client, monkeypatch, names) -> None:
    monkeypatch.setattr(lists, "FIRST_BATCH", 2)
    monkeypatch.setattr(lists, "BATCH", 1)
    received = []
    for number, chunk in zip(range(50), client.get("/users").streaming_content, strict=False):
        User.objects.register(f"late {number}")
        received.append(chunk)
    assert len(json.loads(b"".join(received))) <= len(names) + 1


def test_a_row_on_the_wire_is_what_the_serializer_describes(client: Client, names) -> None:
    first = User.objects.order_by("id").first()
    assert first is not None
    assert client.get("/users").json()[0] == client.get(f"/users/{first.id}").json()


class OptionalSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    age = serializers.IntegerField(allow_null=True)
    seen = serializers.DateTimeField(allow_null=True)
    nick = serializers.CharField(allow_null=True)
    password = serializers.CharField(write_only=True)


def test_a_row_on_the_wire_may_lack_values(names) -> None:
    users = User.objects.annotate(
        age=Cast(None, IntegerField()),
        seen=Cast(None, DateTimeField()),
        nick=Cast(None, TextField()),
    )
    rows = [json.loads(row) for _, row in rows_as_json(users, OptionalSerializer)]
    assert rows == OptionalSerializer(users, many=True).data
    assert rows[0] == {"id": rows[0]["id"], "age": None, "seen": None, "nick": None}


def test_pages_lead_through_the_list(client: Client, names: list[str]) -> None:
    url, seen = "/users?page_size=4", []
    for _ in range(3):
        response = client.get(url)
        seen += listed(response)
        link = response.headers.get("Link", "")
        url = link.removeprefix("<").removesuffix('>; rel="next"')
    assert seen == names
    assert not link


def test_a_full_last_page_has_no_next_link(client: Client, names: list[str]) -> None:
    assert "Link" not in client.get("/users?page_size=10").headers


def test_after_without_a_page_size_is_the_rest(client: Client, names: list[str]) -> None:
    third = User.objects.order_by("id")[2]
    assert listed(client.get(f"/users?after={third.id}")) == names[3:]


def test_a_user_is_found_by_name(client: Client, names: list[str]) -> None:
    assert listed(client.get("/users", {"name": "user 3"})) == ["user 3"]
    assert listed(client.get("/users", {"name": "USER 3"})) == []
    assert listed(client.get("/users", {"name": "x" * 100})) == []


@pytest.mark.parametrize("accept", ["*/*", "text/html"])
@pytest.mark.parametrize("name", ["%FF", "%ED%A0%80"])
def test_a_name_that_is_no_utf_8_finds_nobody_else(client: Client, name: str, accept: str) -> None:
    User.objects.register("\ufffd")
    response = client.get(f"/users?name={name}", headers={"Accept": accept})
    assert response.status_code == 400
    assert "The query string is not UTF-8." in response.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "page_size=0",
        "page_size=1001",
        "page_size=ten",
        "page_size=1.5",
        "page_size=",
        "page_size=1&page_size=2",
        "after=",
        "after=1&after=2",
        "after=-1",
        "after=x",
        "after=9223372036854775808",
        "name=%00",
        "name=a&name=b",
    ],
)
def test_a_bad_parameter_is_refused_by_its_name(client: Client, query: str) -> None:
    response = client.get(f"/users?{query}")
    assert response.status_code == 400
    assert list(response.json()["fields"]) == [query.split("=")[0]]
    assert client.head(f"/users?{query}").status_code == 400
    page = client.get(f"/users?{query}", headers={"Accept": "text/html"})
    assert page.status_code == 400
    assert query.split("=")[0] in page.content.decode()


def test_an_answer_does_not_wait_for_the_garbage_collection(rf: RequestFactory, names) -> None:
    view = UserViewSet.as_view({"get": "list"})
    gc.disable()
    try:
        answer = weakref.ref(view(rf.get("/users?page_size=5")))
        assert answer() is None
    finally:
        gc.enable()


def test_a_page_of_an_empty_table_is_empty(client: Client) -> None:
    response = client.get("/users?page_size=5&after=3")
    assert response.json() == []
    assert "Link" not in response.headers


def test_the_largest_id_is_a_fair_parameter(client: Client, names) -> None:
    assert listed(client.get("/users?after=9223372036854775807")) == []


def test_a_user_is_found_by_id(client: Client) -> None:
    user = User.objects.register("ankur")
    assert client.get(f"/users/{user.id}").json() == {"id": user.id, "name": "ankur"}
    assert client.get(f"/users/{user.id}/").json() == {"id": user.id, "name": "ankur"}


@pytest.mark.parametrize(
    "pk", ["0", "4242", f"{2**63}", "9" * 19, "9" * 30, "9" * 5000, "-1", "x", "1.0"]
)
def test_an_id_that_nobody_has_is_not_found(client: Client, pk: str) -> None:
    response = client.get(f"/users/{pk}")
    assert response.status_code == 404
    assert response.json()["error"].startswith("There is nothing here.")


def test_a_browser_gets_one_page_with_a_link_to_the_next(client: Client) -> None:
    User.objects.bulk_create([User(name=f"user {number}") for number in range(150)])
    page = client.get("/users", headers={"Accept": "text/html"}).content.decode()
    assert "user 99" in page
    assert "user 100" not in page
    assert "Next page" in page


def test_a_name_is_text_on_a_page(client: Client) -> None:
    User.objects.register("<script>alert(1)</script>")
    page = client.get("/users", headers={"Accept": "text/html"}).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
