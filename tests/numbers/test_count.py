"""POST /generate-random-number with a count."""

import pytest
from django.test import Client

from numbers_project.random_numbers.models import GeneratedNumber

pytestmark = pytest.mark.django_db


def generate(client: Client, **body: object):
    return client.post("/generate-random-number", body, content_type="application/json")


@pytest.mark.parametrize("count", [1, 2, 1000, 10_000])
def test_the_saved_numbers_are_those_of_the_answer(client: Client, ankur: int, count: int) -> None:
    response = generate(client, user="ankur", limit=6, count=count)
    assert response.status_code == 201
    answer = response.json()
    saved = GeneratedNumber.objects.order_by("id")
    assert answer == {
        "user": "ankur",
        "limit": 6,
        "createdAt": saved[0].created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "randomNumbers": [{"id": row.id, "randomNumber": row.number} for row in saved],
    }
    assert len(answer["randomNumbers"]) == count
    assert {(row.user_id, row.limit, row.created_at) for row in saved} == {
        (ankur, 6, saved[0].created_at)
    }


def test_any_count_takes_one_query(client: Client, ankur, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        generate(client, user="ankur", count=500)


def test_a_form_may_have_a_count(client: Client, ankur: int) -> None:
    response = client.post("/generate-random-number", {"user": "ankur", "count": "3"})
    assert len(response.json()["randomNumbers"]) == 3


@pytest.mark.parametrize("count", [0, -1, 10_001, 1.5, "3", True, None, [1]])
def test_the_error_for_a_bad_count_names_the_field(
    client: Client, ankur: int, count: object
) -> None:
    response = generate(client, user="ankur", count=count)
    assert response.status_code == 400
    assert list(response.json()["fields"]) == ["count"]
    assert not GeneratedNumber.objects.exists()


def test_nothing_is_saved_for_an_unknown_user(client: Client, ankur: int) -> None:
    assert generate(client, user="nobody", count=5).status_code == 400
    assert GeneratedNumber.objects.generate_many("nobody", 6, 5) is None
    assert not GeneratedNumber.objects.exists()
