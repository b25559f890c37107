"""POST /generate-random-number."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from numbers_project.random_numbers.models import (
    LARGEST_LIMIT,
    GeneratedNumber,
)

pytestmark = pytest.mark.django_db
URL = "/generate-random-number"


def generate(client: Client, body: object):
    return client.post(URL, body, content_type="application/json")


def test_a_number_is_drawn_and_saved(client: Client, ankur: int) -> None:
    response = generate(client, {"user": "ankur", "limit": 6})
    saved = GeneratedNumber.objects.get()
    assert response.status_code == 201
    assert response.json() == {
        "id": saved.id,
        "user": "ankur",
        "limit": 6,
        "randomNumber": saved.number,
        "createdAt": saved.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
    assert (saved.user_id, saved.limit) == (ankur, 6)


def test_drawing_takes_one_query(client: Client, ankur: int, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        generate(client, {"user": "ankur"})


def test_the_default_limit_is_1000(client: Client, ankur: int) -> None:
    assert generate(client, {"user": "ankur"}).json()["limit"] == 1000


def test_a_trailing_slash_makes_no_difference(client: Client, ankur: int) -> None:
    assert client.post(f"{URL}/", {"user": "ankur"}).status_code == 201


@pytest.mark.parametrize("form", [{"user": "ankur", "limit": "6"}, {"user": "ankur", "limit": ""}])
def test_a_form_is_accepted(client: Client, ankur: int, form: dict[str, str]) -> None:
    assert client.post(URL, form).json()["limit"] == int(form["limit"] or 1000)


def test_surrounding_white_space_of_the_user_is_removed(client: Client, ankur: int) -> None:
    assert generate(client, {"user": " ankur\n"}).json()["user"] == "ankur"


@pytest.mark.parametrize("more", [{}, {"count": 2}])
@pytest.mark.parametrize("given", ["Zo\u00eb", "Zoe\u0308"])
def test_both_forms_of_a_name_are_one_user(client: Client, register, given: str, more) -> None:
    ids = {name: register(name) for name in ("Zoe\u0308", "Zo\u00eb")}
    assert generate(client, {"user": given, **more}).json()["user"] == "Zo\u00eb"
    assert {row.user_id for row in GeneratedNumber.objects.all()} == {ids["Zo\u00eb"]}
    answer = client.get("/get-saved-numbers", {"user": given}).json()
    assert {row["username"] for row in answer["savedNumbers"]} == {"Zo\u00eb"}


@pytest.mark.parametrize("more", [{}, {"count": 2}])
@pytest.mark.parametrize("stored", ["Zoe\u0308", "an\nkur", "\u200b"])
def test_a_name_that_was_stored_before_the_rules_for_names_can_be_drawn_for(
    client: Client, register, stored: str, more
) -> None:
    pk = register(stored)
    assert generate(client, {"user": stored, **more}).json()["user"] == stored
    assert {row.user_id for row in GeneratedNumber.objects.all()} == {pk}
    answer = client.get("/get-saved-numbers", {"user": stored}).json()
    assert {row["username"] for row in answer["savedNumbers"]} == {stored}


@pytest.mark.parametrize("limit", [0, LARGEST_LIMIT, 6.0])
def test_a_valid_limit_is_accepted(client: Client, ankur: int, limit: float) -> None:
    response = generate(client, {"user": "ankur", "limit": limit})
    assert response.status_code == 201
    assert 0 <= response.json()["randomNumber"] <= limit


@pytest.mark.parametrize(
    "limit",
    ["true", "1.5", '"ten"', '"6"', "null", "-1", "9007199254740992", "1e30", "[6]", "{}", "-0.5"],
)
def test_the_error_for_a_bad_limit_names_the_field(client: Client, ankur: int, limit: str) -> None:
    response = generate(client, f'{{"user": "ankur", "limit": {limit}}}')
    assert response.status_code == 400
    assert list(response.json()["fields"]) == ["limit"]
    assert not GeneratedNumber.objects.exists()


@pytest.mark.parametrize("limit", [LARGEST_LIMIT + 1, 2**64, 1e300])
def test_the_error_for_a_large_limit_names_the_largest(
    client: Client, ankur: int, limit: float
) -> None:
    response = generate(client, f'{{"user": "ankur", "limit": {limit}}}')
    assert response.status_code == 400
    assert str(LARGEST_LIMIT) in response.json()["error"]


@pytest.mark.parametrize("limit", ["NaN", "Infinity", "1e999", "6,", "٦"])
def test_a_limit_that_is_not_valid_json_is_refused(client: Client, ankur: int, limit: str) -> None:
    response = generate(client, f'{{"user": "ankur", "limit": {limit}}}')
    assert response.status_code == 400
    assert response.json()["error"].startswith("The body is not JSON")


@pytest.mark.parametrize(
    "user", [None, "", "  ", 5, True, ["ankur"], "x" * 81, "an\0kur", "nobody", "Ankur"]
)
def test_the_error_for_a_bad_user_names_the_field(client: Client, ankur: int, user: object) -> None:
    response = generate(client, {"user": user})
    assert response.status_code == 400
    assert list(response.json()["fields"]) == ["user"]


def test_the_model_saves_nothing_for_an_unknown_user(ankur: int) -> None:
    assert GeneratedNumber.objects.generate("nobody") is None
    assert not GeneratedNumber.objects.exists()


@pytest.mark.parametrize("field", ["user", "limit", "count"])
def test_a_file_is_refused_as_a_value(client: Client, ankur: int, field: str) -> None:
    file = SimpleUploadedFile("5", b"5")
    response = client.post(URL, {"user": "ankur", field: file})
    assert response.status_code == 400
    assert list(response.json()["fields"]) == [field]


def test_a_form_with_thousands_of_digits_is_refused(client: Client, ankur: int) -> None:
    response = client.post(URL, {"user": "ankur", "limit": "9" * 5000})
    assert list(response.json()["fields"]) == ["limit"]


def test_get_is_refused_with_the_allowed_methods(client: Client) -> None:
    response = client.get(URL)
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST, OPTIONS"


def test_a_browser_gets_a_page_with_the_form(client: Client) -> None:
    page = client.get(URL, headers={"Accept": "text/html"}).content.decode()
    assert 'name="user"' in page
    assert 'name="limit"' in page


# Each example adds a row in the test's transaction, which is rolled back at the end.
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.integers(0, LARGEST_LIMIT))
def test_a_number_is_within_any_limit(ankur: int, limit: int) -> None:
    assert 0 <= GeneratedNumber.objects.generate("ankur", limit).number <= limit


def test_the_answer_and_the_list_show_the_same_time(client: Client, ankur: int) -> None:
    drawn = generate(client, {"user": "ankur"}).json()
    listed = json.loads(client.get("/get-saved-numbers").getvalue())["savedNumbers"][0]
    assert listed["createdAt"] == drawn["createdAt"]
