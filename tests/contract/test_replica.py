"""Lists that are read from a replica of the database: a real one, which streams."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import httpx
import psycopg2
import pytest

from local_postgres import LocalPostgres
from tests.conftest import Services, bare_environment, wait_for
from tests.contract.conftest import connect_as_superuser

HOST = "127.0.0.2"  # where the replica listens, on the primary's port
PAUSE = 10  # seconds in which a replica that failed is not asked


class Replica:
    """A copy of the services' PostgreSQL, which follows it."""

    def __init__(self, services: Services) -> None:
        self.server = LocalPostgres(services.state)
        self.server.data = self.server.home / "replica"
        self.port = (services.state / "postgres.port").read_text()
        password = (services.state / "secrets" / "postgres").read_text().strip()
        self.address = f"user=postgres password={password} port={self.port} dbname=postgres"
        data = f"--pgdata={self.server.data}"
        source = f"--dbname={self.address} host=127.0.0.1"
        self.server.program("pg_basebackup", data, source, "--checkpoint=fast", "--write-recovery")

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses={HOST} -c unix_socket_directories=''"
        data = ["-D", str(self.server.data), "-l", str(self.server.log)]
        self.server.program("pg_ctl", *data, "-o", options, "-w", "start")

    def execute(self, statement: str) -> None:
        connection = psycopg2.connect(f"{self.address} host={HOST}")
        try:
            connection.cursor().execute(statement)
        finally:
            connection.close()

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Let it stay behind the primary for a while."""
        self.execute("SELECT pg_wal_replay_pause()")
        try:
            yield
        finally:
            self.execute("SELECT pg_wal_replay_resume()")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        first = self.server.process_id()
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        processes = [first, *map(int, children)]
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in reversed(processes):  # the first would take notice of those that ended
                os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Both services, whose lists are to be read from a replica."""
    if "USERS_URL" in os.environ:
        pytest.skip("needs services that are started for it, and USERS_URL names others")
    environment = bare_environment(tmp_path_factory.mktemp("replicated") / "state")
    services = Services(
        f"http://127.0.0.1:{environment['USERS_PORT']}",
        f"http://127.0.0.1:{environment['NUMBERS_PORT']}",
        Path(environment["STATE_DIR"]),
        environment,
    )
    environment["DB_READ_HOST"] = HOST
    started = services.manage_all("up", "--detach")
    assert started.returncode == 0, started.stderr
    yield services
    ended = services.manage_all("down", "--purge", "--yes")
    assert ended.returncode == 0, ended.stderr


@pytest.fixture(scope="module")
def replica(services: Services) -> Iterator[Replica]:
    replica = Replica(services)
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


def test_lists_are_read_from_the_replica_and_all_else_from_the_primary(
    services: Services, replica: Replica, name: str
) -> None:
    with replica.standing_still():
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


def test_a_users_numbers_are_found_without_the_primary(
    services: Services, replica: Replica, name: str
) -> None:
    httpx.post(f"{services.users}/users", json={"name": name})
    drawn = httpx.post(f"{services.numbers}/generate-random-number", json={"user": name}).json()
    wait_for(lambda: drawn["id"] in saved(services), 10)
    with replica.standing_still(), connect_as_superuser(services) as cursor:
        cursor.execute("REVOKE SELECT (id, name) ON users.users_user FROM users_reader")
        found = httpx.get(f"{services.numbers}/get-saved-numbers", params={"user": name})
        cursor.execute("GRANT SELECT (id, name) ON users.users_user TO users_reader")
    assert found.status_code == 200, found.text
    assert [number["id"] for number in found.json()["savedNumbers"]] == [drawn["id"]]


@pytest.fixture
def ids(services: Services) -> Iterator[list[int]]:
    """The ids of all users, of whom there are many; the other tests list few."""
    with connect_as_superuser(services) as cursor:
        cursor.execute(
            "INSERT INTO users.users_user (name) SELECT 'long ' || n FROM generate_series(1, %s) n",
            [100_000],
        )
        cursor.execute("SELECT array_agg(id ORDER BY id) FROM users.users_user")
        yield cursor.fetchone()[0]
        cursor.execute("DELETE FROM users.users_user WHERE name LIKE 'long %'")


def test_a_long_list_is_whole_though_the_replica_goes_away_halfway(
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


def test_a_replica_that_is_away_is_done_without_and_asked_again_later(
    services: Services, replica: Replica, name: str
) -> None:
    replica.server.stop()
    assert httpx.post(f"{services.users}/users", json={"name": name}).status_code == 201
    assert name in names(services)
    assert "The replica failed" in (services.state / "logs" / "users.log").read_text()
    assert httpx.get(f"{services.users}/readyz").status_code == 200
    replica.start()
    with replica.standing_still():
        later = f"{name} later"
        assert httpx.post(f"{services.users}/users", json={"name": later}).status_code == 201
        wait_for(lambda: later not in names(services), PAUSE + 10)


def test_a_table_that_is_locked_here_and_there_holds_nobody_up_for_long(
    services: Services, replica: Replica
) -> None:
    client = httpx.Client(timeout=30, limits=httpx.Limits(max_connections=100))

    def list_users(delay: float) -> tuple[int, float]:
        threading.Event().wait(delay)
        response = client.get(f"{services.users}/users?page_size=1")
        return response.status_code, response.elapsed.total_seconds()

    with client, connect_as_superuser(services) as cursor, ThreadPoolExecutor(100) as clients:
        # Replicas take part in such a lock, when they hear of it.
        cursor.execute("BEGIN; LOCK users.users_user IN ACCESS EXCLUSIVE MODE")
        cursor.execute("SELECT pg_switch_wal()")
        answers = list(clients.map(list_users, [number * 0.05 for number in range(100)]))
        cursor.execute("ROLLBACK")
    assert {status for status, _ in answers[10:]} == {503}
    assert max(seconds for _, seconds in answers) < 5


def test_a_replica_that_is_frozen_holds_nothing_up_for_long(
    services: Services, replica: Replica, name: str
) -> None:
    log = services.state / "logs" / "users.log"
    before = log.read_text().count("The replica failed")

    def list_users(path: str, delay: float) -> None:
        threading.Event().wait(delay)
        response = httpx.get(f"{services.users}{path}")
        assert response.status_code == 200
        assert response.elapsed.total_seconds() < 5

    def notice_it() -> bool:
        """List and register users; return whether the replica was asked, and given up."""
        with ThreadPoolExecutor(24) as clients:  # one after the other, while the first still waits
            paths = ["/users", "/users?page_size=1"] * 12
            delays = [number * 0.05 for number in range(24)]
            list(clients.map(list_users, paths, delays))
        start = monotonic()
        registered = httpx.post(f"{services.users}/users", json={"name": f"{name} {start}"})
        assert registered.status_code == 201
        assert monotonic() - start < 1
        return log.read_text().count("The replica failed") > before

    with replica.frozen():
        wait_for(notice_it, PAUSE + 10)
