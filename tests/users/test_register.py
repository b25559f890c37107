"""POST /users."""

import pytest
from django.test import Client

from users_project.users.models import User

pytestmark = pytest.mark.django_db
JSON = "application/json"


def register(client: Client, body: object):
    return client.post("/users", body, content_type=JSON)


def test_a_user_is_registered(client: Client) -> None:
    response = register(client, {"name": "ankur"})
    user = User.objects.get()
    assert response.status_code == 201
    assert response.json() == {"id": user.id, "name": "ankur"}
    assert response.headers["Location"] == f"/users/{user.id}"


def test_registering_takes_one_query(client: Client, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        register(client, {"name": "ankur"})


def test_a_trailing_slash_makes_no_difference(client: Client) -> None:
    assert client.post("/users/", {"name": "ankur"}, content_type=JSON).status_code == 201


def test_a_form_is_accepted_like_json(client: Client) -> None:
    assert client.post("/users", {"name": "ankur"}).json()["name"] == "ankur"


def test_surrounding_white_space_of_a_name_is_removed(client: Client) -> None:
    assert register(client, {"name": " \t ankur  k \n"}).json()["name"] == "ankur  k"


@pytest.mark.parametrize(
    "name", ["x", "x" * 80, "अंकुर", "👩‍🚀" * 20, "Ａ ß İ", "<script>", "'; --", "\\"]
)
def test_a_name_is_stored_and_returned_unchanged(client: Client, name: str) -> None:
    created = register(client, {"name": name}).json()
    assert created["name"] == name
    assert client.get(f"/users/{created['id']}").json()["name"] == name
    assert client.get("/users").json() == [created]


def test_names_are_case_sensitive(client: Client) -> None:
    assert register(client, {"name": "ankur"}).status_code == 201
    assert register(client, {"name": "Ankur"}).status_code == 201


def test_a_name_that_is_taken_is_a_conflict(client: Client) -> None:
    register(client, {"name": "ankur"})
    response = register(client, {"name": " ankur "})
    assert response.status_code == 409
    assert response.json() == {
        "error": "name: This name is taken. Choose another.",
        "fields": {"name": ["This name is taken. Choose another."]},
    }
    assert User.objects.count() == 1


def test_register_returns_none_if_the_name_is_taken() -> None:
    assert User.objects.register("ankur") is not None
    assert User.objects.register("ankur") is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": None},
        {"name": ""},
        {"name": " \n\t "},
        {"name": "x" * 81},
        {"name": 5},
        {"name": True},
        {"name": ["ankur"]},
        {"name": {"first": "ankur"}},
        {"name": "an\0kur"},
        {"Name": "ankur"},
    ],
)
def test_the_error_for_a_bad_name_names_the_field(client: Client, body: dict[str, object]) -> None:
    response = register(client, body)
    assert response.status_code == 400
    assert list(response.json()["fields"]) == ["name"]
    assert response.json()["error"].startswith("name: ")
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", '"ankur"', "5", "null", '{"name": "\\ud800"}', "[" * 5000, '{"name": NaN}'],
)
def test_a_body_that_is_not_a_json_object_is_refused(client: Client, body: str) -> None:
    response = register(client, body)
    assert response.status_code == 400
    assert response.json()["error"]


def test_an_id_in_the_body_is_ignored(client: Client) -> None:
    assert register(client, {"name": "ankur", "id": 99}).json()["id"] != 99


def test_another_content_type_is_refused(client: Client) -> None:
    response = client.post("/users", "name=ankur", content_type="text/csv")
    assert response.status_code == 415
    assert "Send JSON or a form" in response.json()["error"]


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused_with_the_allowed_ones(client: Client, method: str) -> None:
    response = getattr(client, method)("/users")
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]
    assert response.json()["error"].endswith("Use one of: GET, POST, HEAD, OPTIONS.")
