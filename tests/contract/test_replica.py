"""Lists are read from a replica of the database, here a real one with streaming replication."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import httpx
import pytest

from tests.conftest import Services, bare_environment, wait_for
from tests.contract.conftest import connect_as_superuser
from tests.postgres import REPLICA_HOST, Replica

COOLDOWN = 10  # seconds for which the circuit breaker of the replica is open


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Both services, configured to read lists from a replica."""
    if "USERS_URL" in os.environ:
        pytest.skip("needs services started for it, but USERS_URL names some elsewhere")
    environment = bare_environment(tmp_path_factory.mktemp("replicated") / "state")
    services = Services(
        f"http://127.0.0.1:{environment['USERS_PORT']}",
        f"http://127.0.0.1:{environment['NUMBERS_PORT']}",
        Path(environment["STATE_DIR"]),
        environment,
    )
    environment["DB_READ_HOST"] = REPLICA_HOST
    started = services.manage_all("up", "--detach")
    assert started.returncode == 0, started.stderr
    yield services
    ended = services.manage_all("down", "--purge", "--yes")
    assert ended.returncode == 0, ended.stderr


@pytest.fixture(scope="module")
def replica(services: Services) -> Iterator[Replica]:
    replica = Replica(services.state)
    replica.start()
    yield replica
    replica.server.stop()


def names(services: Services) -> list[str]:
    """Return the names in the list of users."""
    return [user["name"] for user in httpx.get(f"{services.users}/users", timeout=30).json()]


def saved(services: Services) -> list[int]:
    """Return the ids in the list of numbers."""
    answer = httpx.get(f"{services.numbers}/get-saved-numbers", timeout=30).json()
    return [number["id"] for number in answer["savedNumbers"]]


def test_only_lists_are_read_from_the_replica(
    services: Services, replica: Replica, name: str
) -> None:
    with replica.replay_paused():
        user = httpx.post(f"{services.users}/users", json={"name": name}).json()
        drawn = httpx.post(f"{services.numbers}/generate-random-number", json={"user": name})
        assert drawn.status_code == 201
        assert httpx.get(f"{services.users}/users/{user['id']}").json() == user
        assert name not in names(services)
        assert drawn.json()["id"] not in saved(services)
        page = httpx.get(f"{services.users}/users?page_size=1000").json()
        assert user not in page
    wait_for(lambda: name in names(services), 10)
    wait_for(lambda: drawn.json()["id"] in saved(services), 10)


def test_a_filter_by_user_reads_users_from_the_replica(
    services: Services, replica: Replica, name: str
) -> None:
    httpx.post(f"{services.users}/users", json={"name": name})
    drawn = httpx.post(f"{services.numbers}/generate-random-number", json={"user": name}).json()
    wait_for(lambda: drawn["id"] in saved(services), 10)
    with replica.replay_paused(), connect_as_superuser(services) as cursor:
        cursor.execute("REVOKE SELECT (id, name) ON users.users_user FROM users_reader")
        found = httpx.get(f"{services.numbers}/get-saved-numbers", params={"user": name})
        cursor.execute("GRANT SELECT (id, name) ON users.users_user TO users_reader")
    assert found.status_code == 200, found.text
    assert [number["id"] for number in found.json()["savedNumbers"]] == [drawn["id"]]


@pytest.fixture
def ids(services: Services) -> Iterator[list[int]]:
    """The ids of all users, after 100,000 have been added for one test."""
    with connect_as_superuser(services) as cursor:
        cursor.execute(
            "INSERT INTO users.users_user (name) SELECT 'long ' || n FROM generate_series(1, %s) n",
            [100_000],
        )
        cursor.execute("SELECT array_agg(id ORDER BY id) FROM users.users_user")
        yield cursor.fetchone()[0]
        cursor.execute("DELETE FROM users.users_user WHERE name LIKE 'long %'")


def test_a_stream_is_complete_although_the_replica_stops_halfway(
    services: Services, replica: Replica, ids: list[int]
) -> None:
    wait_for(lambda: f"long {100_000}" in names(services), 10)
    with httpx.stream("GET", f"{services.users}/users", timeout=30) as response:
        chunks = response.iter_bytes()
        received = [next(chunks)]
        replica.server.stop()
        received += chunks
    users = httpx.Response(200, content=b"".join(received)).json()
    assert [user["id"] for user in users] == ids
    replica.start()


def test_lists_are_read_from_the_primary_while_the_replica_is_down(
    services: Services, replica: Replica, name: str
) -> None:
    replica.server.stop()
    assert httpx.post(f"{services.users}/users", json={"name": name}).status_code == 201
    assert name in names(services)
    assert "The replica failed" in (services.state / "logs" / "users.log").read_text()
    assert httpx.get(f"{services.users}/readyz").status_code == 200
    replica.start()
    with replica.replay_paused():
        later = f"{name} later"
        assert httpx.post(f"{services.users}/users", json={"name": later}).status_code == 201
        wait_for(lambda: later not in names(services), COOLDOWN + 10)


def test_a_table_locked_on_both_servers_is_503_within_five_seconds(
    services: Services, replica: Replica
) -> None:
    client = httpx.Client(timeout=30, limits=httpx.Limits(max_connections=100))

    def list_users(delay: float) -> tuple[int, float]:
        threading.Event().wait(delay)
        response = client.get(f"{services.users}/users?page_size=1")
        return response.status_code, response.elapsed.total_seconds()

    with client, connect_as_superuser(services) as cursor, ThreadPoolExecutor(100) as clients:
        # A replica replays such a lock once it receives the WAL.
        cursor.execute("BEGIN; LOCK users.users_user IN ACCESS EXCLUSIVE MODE")
        cursor.execute("SELECT pg_switch_wal()")
        answers = list(clients.map(list_users, [number * 0.05 for number in range(100)]))
        cursor.execute("ROLLBACK")
    assert {status for status, _ in answers[10:]} == {503}
    assert max(seconds for _, seconds in answers) < 5


def test_a_frozen_replica_delays_requests_by_less_than_five_seconds(
    services: Services, replica: Replica, name: str
) -> None:
    log = services.state / "logs" / "users.log"
    before = log.read_text().count("The replica failed")

    def list_users(path: str, delay: float) -> None:
        threading.Event().wait(delay)
        response = httpx.get(f"{services.users}{path}")
        assert response.status_code == 200
        assert response.elapsed.total_seconds() < 5

    def breaker_opens() -> bool:
        """List and register users; return whether the replica was tried and failed."""
        with ThreadPoolExecutor(24) as clients:  # staggered, while the first one still waits
            paths = ["/users", "/users?page_size=1"] * 12
            delays = [number * 0.05 for number in range(24)]
            list(clients.map(list_users, paths, delays))
        start = monotonic()
        registered = httpx.post(f"{services.users}/users", json={"name": f"{name} {start}"})
        assert registered.status_code == 201
        assert monotonic() - start < 1
        return log.read_text().count("The replica failed") > before

    with replica.frozen():
        wait_for(breaker_opens, COOLDOWN + 10)
