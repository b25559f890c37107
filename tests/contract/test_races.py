"""Concurrent requests."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.conftest import Services


def at_once(count: int, url: str, body: dict[str, object]) -> list[httpx.Response]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: httpx.post(url, json=body, timeout=30), range(count)))


def test_one_of_64_concurrent_registrations_succeeds(services: Services, name: str) -> None:
    responses = at_once(64, f"{services.users}/users", {"name": name})
    assert Counter(response.status_code for response in responses) == {201: 1, 409: 63}
    assert len(httpx.get(f"{services.users}/users", params={"name": name}).json()) == 1


def test_200_parallel_draws_save_200_rows(
    services: Services, numbers: httpx.Client, user: str
) -> None:
    url = f"{services.numbers}/generate-random-number"
    with ThreadPoolExecutor(16) as pool:
        drawn = list(pool.map(lambda _: httpx.post(url, json={"user": user}).json(), range(200)))
    saved = numbers.get("/get-saved-numbers", params={"user": user}).json()["savedNumbers"]
    assert {row["id"]: row["number"] for row in saved} == {
        row["id"]: row["randomNumber"] for row in drawn
    }
    assert len(saved) == 200
