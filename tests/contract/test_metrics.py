"""Prometheus metrics, over all processes."""

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
    """Return a function that reads the user service's number of requests with given labels."""
    if services.state is None:
        pytest.skip("needs services without other clients, but USERS_URL names some elsewhere")

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


def test_metrics_count_the_requests_of_all_processes(services: Services, count: Count) -> None:
    registered = {"method": "POST", "view": "user-list", "status": "400"}
    before = count(**registered)
    for _ in range(40):  # Each has its own connection, which the kernel assigns to a process.
        assert httpx.post(f"{services.users}/users", json={}).status_code == 400
    assert {count(**registered) for _ in range(10)} == {before + 40}


def test_metrics_keep_the_counts_of_an_ended_process(services: Services, count: Count) -> None:
    before = count(view="user-detail")
    for _ in range(40):
        httpx.get(f"{services.users}/users/0")
    ended = processes(services)[0]
    os.kill(ended, signal.SIGKILL)
    wait_for(lambda: len(set(processes(services)) - {ended}) == 2, 10)
    assert count(view="user-detail") == before + 40


def test_requests_succeed_without_the_metrics_folder(services: Services, count: Count) -> None:
    # Each process maps its own file into memory.
    maps = "".join(Path(f"/proc/{pid}/maps").read_text() for pid in processes(services))
    (folder,) = {Path(path).parent for path in re.findall(r"/\S+/histogram_\d+\.db", maps)}
    shutil.rmtree(folder)
    ended = processes(services)[0]
    os.kill(ended, signal.SIGKILL)
    wait_for(lambda: len(set(processes(services)) - {ended}) == 2, 10)
    for _ in range(40):
        assert httpx.get(f"{services.users}/users").status_code == 200
    assert count(view="user-list") > 0


def test_unknown_paths_and_methods_share_a_label(
    services: Services, count: Count, name: str
) -> None:
    before, others = count(view="none", status="404"), count(method="other")
    assert httpx.get(f"{services.users}/{name}").status_code == 404
    assert httpx.request("BREW", f"{services.users}/users").status_code == 405
    assert count(view="none", status="404") == before + 1
    assert count(method="other") == others + 1
