"""POST /generate-random-number with an Idempotency-Key."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from numbers_project.random_numbers.models import GeneratedNumber, IdempotencyKey

pytestmark = pytest.mark.django_db


def generate(client: Client, key: str | None = "raffle-1", **body: object):
    headers = {} if key is None else {"Idempotency-Key": key}
    body = {"user": "ankur", **body}
    path = "/generate-random-number"
    return client.post(path, body, content_type="application/json", headers=headers)


@pytest.mark.parametrize("body", [{}, {"limit": 6}, {"limit": 6, "count": 1}, {"count": 300}])
def test_a_repeat_gets_the_first_answer_again(
    client: Client, ankur: int, body: dict[str, int]
) -> None:
    first = generate(client, **body)
    assert first.status_code == 201
    assert "Idempotent-Replayed" not in first
    for _ in range(2):
        again = generate(client, **body)
        assert (again.status_code, again.content) == (201, first.content)
        assert again["Idempotent-Replayed"] == "true"
        assert again["Content-Type"] == first["Content-Type"] == "application/json"
    assert GeneratedNumber.objects.count() == body.get("count", 1)


def test_the_answer_is_that_of_a_draw_without_a_key(client: Client, ankur: int) -> None:
    for body in ({"limit": 0}, {"limit": 0, "count": 2}):
        with_key = generate(client, f"key-{len(body)}", **body)
        without = generate(client, None, **body)
        assert with_key.json().keys() == without.json().keys()
        assert with_key.headers.keys() == without.headers.keys()
    saved = {row.id: row for row in GeneratedNumber.objects.all()}
    one = generate(client, "key-1", limit=0).json()
    assert saved[one["id"]].number == one["randomNumber"] == 0
    assert one["createdAt"] == saved[one["id"]].created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_a_default_that_is_spelled_out_is_the_same_request(client: Client, ankur: int) -> None:
    first = generate(client)
    assert generate(client, limit=1000).content == first.content


@pytest.mark.parametrize("other", [{"limit": 7}, {"limit": 6, "count": 1}, {"user": "bela"}])
def test_a_key_of_another_request_is_refused(
    client: Client, ankur: int, register: Callable[[str], int], other: dict[str, object]
) -> None:
    register("bela")
    first = generate(client, limit=6)
    refused = generate(client, **{"limit": 6, **other})
    assert refused.status_code == 422
    assert "Use a new key" in refused.json()["error"]
    assert generate(client, limit=6).content == first.content
    assert GeneratedNumber.objects.count() == 1


@pytest.mark.parametrize("key", ["", " ", "two words", "a" * 256, "ü", "tab\t", "\x7f"])
def test_a_key_that_is_not_visible_ascii_is_refused(client: Client, ankur: int, key: str) -> None:
    refused = generate(client, key)
    assert refused.status_code == 400
    assert "1 to 255 visible ASCII characters" in refused.json()["error"]
    assert not GeneratedNumber.objects.exists()


def test_any_visible_ascii_character_is_allowed(client: Client, ankur: int) -> None:
    visible = "".join(map(chr, range(0x21, 0x7F)))
    key = (visible * 3)[:255]
    assert generate(client, key).content == generate(client, key).content
    assert IdempotencyKey.objects.get().key == key


def test_an_error_is_not_kept(client: Client, ankur: int, register: Callable[[str], int]) -> None:
    assert generate(client, user="bela").status_code == 400
    assert generate(client, user="bela", count=3).status_code == 400
    assert generate(client, limit=-1).status_code == 400
    assert not IdempotencyKey.objects.exists()
    register("bela")
    assert generate(client, user="bela").status_code == 201


def test_a_repeat_outlives_its_user(client: Client, ankur: int, users_database) -> None:
    first = generate(client)
    users_database.cursor().execute("DELETE FROM users_user")
    assert generate(client).content == first.content


def test_a_browser_gets_a_page(client: Client, ankur: int) -> None:
    generate(client)
    headers = {"Idempotency-Key": "raffle-1", "Accept": "text/html"}
    page = client.post("/generate-random-number", {"user": "ankur"}, headers=headers)
    assert (page.status_code, page["Idempotent-Replayed"]) == (201, "true")
    assert "<title>" in page.content.decode()


def test_a_draw_without_a_key_takes_one_query(
    client: Client, ankur: int, django_assert_num_queries
) -> None:
    with django_assert_num_queries(1):
        generate(client, None)


def test_keys_of_more_than_a_day_are_forgotten(client: Client, ankur: int) -> None:
    generate(client, "now", limit=6)
    for hours in (23, 25, 26, 27):
        save_copy(f"{hours}", timedelta(hours=hours))
    generate(client, "next")
    assert keys() == {"23", "25", "now", "next"}
    generate(client, "last")
    assert keys() == {"23", "now", "next", "last"}
    assert generate(client, "23", limit=6)["Idempotent-Replayed"] == "true"


def keys() -> set[str]:
    return set(IdempotencyKey.objects.values_list("key", flat=True))


def save_copy(key: str, age: timedelta) -> None:
    """Save the only answer once more, as that to an older request: the service cannot change it."""
    kept = IdempotencyKey.objects.get(key="now")
    created_at = timezone.now() - age
    IdempotencyKey.objects.create(
        key=key, request=kept.request, answer=kept.answer, created_at=created_at
    )
