"""What Prometheus reads."""

import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import Services, wait_for

Count = Callable[..., float]


@pytest.fixture
def count(services: Services) -> Count:
    """How many requests with some labels the user service has counted."""
    if services.state is None:
        pytest.skip("needs services that nobody else asks, and USERS_URL names others")

    def read(**labels: str) -> float:
        response = httpx.get(f"{services.users}/metrics", headers={"Host": "10.0.0.7"})
        assert response.headers["Content-Type"].startswith("text/plain")
        return sum(
            sample.value
            for family in text_string_to_metric_families(response.text)
            for sample in family.samples
            if sample.name == "http_request_duration_seconds_count"
            and labels.items() <= sample.labels.items()
        )

    return read


def processes(services: Services) -> list[int]:
    """The worker processes of the user service."""
    assert services.state
    pid = (services.state / "users.pid").read_text().strip()
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_requests_to_all_processes_are_counted(services: Services, count: Count) -> None:
    registered = {"method": "POST", "view": "user-list", "status": "400"}
    before = count(**registered)
    for _ in range(40):  # each with a connection of its own, which the kernel gives to some process
        assert httpx.post(f"{services.users}/users", json={}).status_code == 400
    assert {count(**registered) for _ in range(10)} == {before + 40}


def test_a_process_that_ends_takes_no_counts_along(services: Services, count: Count) -> None:
    before = count(view="user-detail")
    for _ in range(40):
        httpx.get(f"{services.users}/users/0")
    ended = processes(services)[0]
    os.kill(ended, signal.SIGKILL)
    wait_for(lambda: len(set(processes(services)) - {ended}) == 2, 10)
    assert count(view="user-detail") == before + 40


def test_no_request_fails_where_the_counts_are_removed(services: Services, count: Count) -> None:
    # Each process maps a file of its own.
    maps = "".join(Path(f"/proc/{pid}/maps").read_text() for pid in processes(services))
    (folder,) = {Path(path).parent for path in re.findall(r"/\S+/histogram_\d+\.db", maps)}
    shutil.rmtree(folder)
    ended = processes(services)[0]
    os.kill(ended, signal.SIGKILL)
    wait_for(lambda: len(set(processes(services)) - {ended}) == 2, 10)
    for _ in range(40):
        assert httpx.get(f"{services.users}/users").status_code == 200
    assert count(view="user-list") > 0


def test_what_clients_make_up_is_no_label(services: Services, count: Count, name: str) -> None:
    before, others = count(view="none", status="404"), count(method="other")
    assert httpx.get(f"{services.users}/{name}").status_code == 404
    assert httpx.request("BREW", f"{services.users}/users").status_code == 405
    assert count(view="none", status="404") == before + 1
    assert count(method="other") == others + 1
