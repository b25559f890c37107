"""GET /users and GET /users/{id}."""

import json

import pytest
from django.test import Client

from users_project.users.models import User

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


def test_a_row_on_the_wire_is_what_the_serializer_describes(client: Client, names) -> None:
    first = User.objects.order_by("id").first()
    assert first is not None
    assert client.get("/users").json()[0] == client.get(f"/users/{first.id}").json()


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
        "after=-9223372036854775809",
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
