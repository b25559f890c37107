"""Long lists: completeness, memory, pages and truncated streams."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import httpx
import psycopg2
import pytest

from tests.conftest import Services
from tests.contract.conftest import ROWS, connect_as_superuser


def workers(services: Services, service: str) -> list[Path]:
    """Return the /proc folders of a service's processes."""
    assert services.state is not None
    master = (services.state / f"{service}.pid").read_text().strip()
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return [Path(f"/proc/{pid}") for pid in (master, *children)]


def peak_kib(services: Services, service: str) -> int:
    """Return the peak resident memory of a service's largest process, in KiB."""

    def peak(process: Path) -> int:
        lines = (process / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

    return max(peak(process) for process in workers(services, service))


def read(client: httpx.Client, path: str) -> tuple[list[bytes], float, float]:
    """Return the chunks received, and the seconds until the first one and until the end."""
    body, first_byte, start = [], 0.0, monotonic()
    with client.stream("GET", path) as response:
        for chunk in response.iter_bytes():
            first_byte = first_byte or monotonic() - start
            body.append(chunk)
    return body, first_byte, monotonic() - start


@pytest.mark.parametrize(
    ("service", "path"), [("users", "/users"), ("numbers", "/get-saved-numbers")]
)
def test_a_long_list_is_complete_and_takes_constant_memory(
    services: Services, rows: int, service: str, path: str
) -> None:
    with httpx.Client(base_url=getattr(services, service), timeout=60) as client:
        client.get(path, params={"page_size": 1000})
        before = peak_kib(services, service)
        body, _, _ = read(client, path)
        received = json.loads(b"".join(body))
        ids = [row["id"] for row in (received if service == "users" else received["savedNumbers"])]
        assert len(ids) >= ROWS
        assert ids == sorted(set(ids))
        # The lists themselves are about 10 and 20 MiB.
        assert peak_kib(services, service) - before < 5 * 1024
        # Three attempts, since the first may need a new connection to PostgreSQL.
        times = [read(client, path)[1:] for _ in range(3)]
        assert any(first < whole / 5 for first, whole in times), times


def test_a_page_may_start_late_in_a_long_list(users: httpx.Client, rows: int) -> None:
    response = users.get("/users", params={"page_size": 3, "after": rows + ROWS - 10})
    assert [row["id"] for row in response.json()] == [rows + ROWS - 9 + n for n in range(3)]
    assert 'rel="next"' in response.headers["Link"]


def test_concurrent_requests_for_different_pages_each_get_their_own(
    services: Services, rows: int
) -> None:
    last = rows + ROWS - 1
    with httpx.Client(base_url=services.users) as client, ThreadPoolExecutor(16) as clients:

        def ask(page: tuple[int, int]) -> tuple[list[int], bool]:
            after, size = page
            response = client.get("/users", params={"page_size": size, "after": after})
            return [row["id"] for row in response.json()], "Link" in response.headers

        pages = [(rows + number // 2, 3 + number % 2) for number in range(200)]
        pages += [(last - 4, 3), (last - 3, 3), (last - 2, 3), (last, 3)]
        answers = list(clients.map(ask, pages))
    for (after, size), answer in zip(pages, answers, strict=True):
        ids = list(range(after + 1, last + 1))
        assert answer == (ids[:size], len(ids) > size)


def test_a_truncated_stream_is_not_valid_json(
    services: Services, rows: int, superuser: psycopg2.extensions.cursor
) -> None:
    received: list[bytes] = []
    with httpx.stream("GET", f"{services.numbers}/get-saved-numbers", timeout=30) as response:
        assert response.status_code == 200
        superuser.execute("REVOKE SELECT (id, name) ON users.users_user FROM users_reader")
        try:
            with pytest.raises(httpx.RemoteProtocolError):
                received.extend(response.iter_bytes())
        finally:
            superuser.execute("GRANT SELECT (id, name) ON users.users_user TO users_reader")
    with pytest.raises(json.JSONDecodeError):
        json.loads(b"".join(received))
    assert httpx.get(f"{services.numbers}/get-saved-numbers?page_size=1").status_code == 200


def test_aborted_streams_release_their_connections(
    services: Services, rows: int, superuser: psycopg2.extensions.cursor
) -> None:
    url = f"{services.numbers}/get-saved-numbers"
    for _ in range(12):  # more than the connections of all processes
        with httpx.stream("GET", url, timeout=30) as response:
            superuser.execute("REVOKE SELECT (id, name) ON users.users_user FROM users_reader")
            try:
                with pytest.raises(httpx.RemoteProtocolError):
                    response.read()
            finally:
                superuser.execute("GRANT SELECT (id, name) ON users.users_user TO users_reader")
    assert {httpx.get(f"{url}?page_size=1").status_code for _ in range(12)} == {200}


def test_numbers_can_be_filtered_by_a_user_who_has_most_of_them(
    services: Services, rows: int
) -> None:
    with connect_as_superuser(services) as cursor:
        table = "numbers.random_numbers_generatednumber"
        cursor.execute(f"UPDATE {table} SET user_id = %s WHERE id %% 10 > 0", [rows])
        cursor.execute("ANALYZE")
    response = httpx.get(f"{services.numbers}/get-saved-numbers?user=bulk 1", timeout=60)
    assert len(response.json()["savedNumbers"]) > ROWS * 0.8
