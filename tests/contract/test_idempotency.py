"""A draw with an Idempotency-Key happens once, whatever happens to its requests."""

import os
import random
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import httpx
import psycopg2
import pytest

from tests.conftest import Services, wait_for

LONGEST_WAIT = 5.0  # seconds, from the contract


def draw(services: Services, key: str, **body: object) -> httpx.Response:
    """Draw over a connection of its own, so that any process may answer."""
    url = f"{services.numbers}/generate-random-number"
    return httpx.post(url, json=body, headers={"Idempotency-Key": key}, timeout=30)


def key_of(user: str) -> str:
    """Return a key that nobody else uses."""
    return user.replace(" ", "-")


def saved_numbers(services: Services, user: str) -> list[dict[str, object]]:
    url = f"{services.numbers}/get-saved-numbers"
    return httpx.get(url, params={"user": user}, timeout=30).json()["savedNumbers"]


@pytest.mark.parametrize("body", [{}, {"limit": 6, "count": 1000}])
def test_the_same_key_fifty_times_at_once_draws_once(
    services: Services, user: str, body: dict[str, int]
) -> None:
    with ThreadPoolExecutor(50) as pool:
        sent = [pool.submit(draw, services, key_of(user), user=user, **body) for _ in range(50)]
    responses = [future.result() for future in sent]
    assert set(Counter(response.status_code for response in responses)) <= {201, 409}
    assert len({response.content for response in responses if response.status_code == 201}) == 1
    replayed = [r.headers.get("Idempotent-Replayed") for r in responses if r.status_code == 201]
    assert replayed.count(None) == 1
    assert {r.headers.get("Retry-After") for r in responses if r.status_code == 409} <= {"1"}
    assert len(saved_numbers(services, user)) == body.get("count", 1)


def test_a_repeat_is_answered_at_once_while_the_first_is_at_work(
    services: Services, user: str, superuser: psycopg2.extensions.cursor
) -> None:
    superuser.execute("BEGIN; LOCK TABLE numbers.random_numbers_generatednumber")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(draw, services, key_of(user), user=user)
        wait_for(lambda: waits_for_a_lock(superuser), 20)
        # The lock of the key is found by every process, and by this one before its next batch.
        repeats = [draw(services, key_of(user), user=user) for _ in range(8)]
        superuser.execute("ROLLBACK")
        assert {repeat.status_code for repeat in repeats} <= {409, 201}
        assert repeats[0].status_code == 409
        assert repeats[0].headers["Retry-After"] == "1"
        answers = {first.result().status_code}
    assert answers <= {201, 503}
    assert draw(services, key_of(user), user=user).status_code == 201
    assert len(saved_numbers(services, user)) == 1


def waits_for_a_lock(superuser: psycopg2.extensions.cursor) -> bool:
    superuser.execute(
        "SELECT FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND usename = 'numbers_service'"
    )
    return superuser.fetchone() is not None


def test_each_of_400_keys_draws_once_while_workers_are_killed(
    services: Services, user: str
) -> None:
    if services.state is None:
        pytest.skip("kills the services' workers, but USERS_URL names services elsewhere")
    keys = [f"{key_of(user)}/{number}" for number in range(400)] * 3
    random.Random(1).shuffle(keys)
    killed = threading.Event()
    killer = threading.Thread(target=kill_workers, args=(services, killed))
    killer.start()
    try:
        with ThreadPoolExecutor(24) as pool:
            answers = list(pool.map(lambda key: draw_until_it_succeeds(services, key, user), keys))
    finally:
        killed.set()
        killer.join()
    by_key: dict[str, set[bytes]] = {}
    for key, answer in zip(keys, answers, strict=True):
        by_key.setdefault(key, set()).add(answer)
    assert {len(one) for one in by_key.values()} == {1}
    drawn = {httpx.Response(200, content=one.pop()).json()["id"] for one in by_key.values()}
    assert drawn == {row["id"] for row in saved_numbers(services, user)}
    assert len(drawn) == 400


def draw_until_it_succeeds(services: Services, key: str, user: str) -> bytes:
    """Repeat a draw as a careful client does, and return the answer."""
    end = monotonic() + 120
    while monotonic() < end:
        try:
            response = draw(services, key, user=user)
        except httpx.TransportError:
            continue  # The worker was killed, perhaps after it had saved the number.
        if response.status_code == 201:
            return response.content
        assert response.status_code in (409, 503)
    raise AssertionError(f"The draw {key} never succeeded.")


def kill_workers(services: Services, ended: threading.Event) -> None:
    """Kill a worker of the random number service whenever all of them serve."""
    assert services.state
    first = int((services.state / "numbers.pid").read_text())
    while not ended.wait(0.7):
        workers = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        if len(workers) > 1:
            os.kill(int(workers[0]), signal.SIGKILL)
