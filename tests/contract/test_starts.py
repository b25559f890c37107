"""How a service starts: its addresses, what it must not read, and what ended processes leave."""

import os
import re
import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conftest import Services, wait_for
from tests.contract.another import another, workers


def test_both_families_of_addresses_are_answered(services: Services, tmp_path: Path) -> None:
    with another(services, tmp_path / "log", host="") as started:
        port = urlsplit(started.url).port
        for host in ["127.0.0.1", "[::1]"] if socket.has_dualstack_ipv6() else ["127.0.0.1"]:
            assert httpx.get(f"http://{host}:{port}/livez").status_code == 200


def test_gunicorns_own_arguments_in_the_environment_are_refused(
    services: Services, tmp_path: Path
) -> None:
    with (
        pytest.raises(AssertionError, match="GUNICORN_CMD_ARGS is set"),
        another(services, tmp_path / "log", GUNICORN_CMD_ARGS="--workers 9"),
    ):
        pass


def test_a_bad_address_stops_the_start_with_a_sentence(services: Services, tmp_path: Path) -> None:
    with (
        pytest.raises(AssertionError, match="BIND='abc' is not HOST:PORT") as raised,
        another(services, tmp_path / "log", BIND="abc"),
    ):
        pass
    assert "Traceback" not in str(raised.value)


def test_other_variables_that_gunicorn_reads_have_no_effect(
    services: Services, tmp_path: Path
) -> None:
    variables = {
        "FORWARDED_ALLOW_IPS": "10.0.0.1",
        "PORT": "1",
        "SENDFILE": "yes",
        "SCRIPT_NAME": "/elsewhere",
    }
    with another(services, tmp_path / "log", **variables) as started:
        assert httpx.get(f"{started.url}/users").status_code == 404
        assert httpx.get(f"{started.url}/get-saved-numbers?page_size=1").status_code == 200


def test_ended_processes_leave_their_counts_but_no_files(
    services: Services, tmp_path: Path
) -> None:
    with another(services, tmp_path / "log") as started:
        for round in range(1, 4):
            for _ in range(5):
                assert httpx.get(f"{started.url}/nothing").status_code == 404
            counted = re.search(
                r'_count{.*status="404".*} ([0-9.]+)', httpx.get(f"{started.url}/metrics").text
            )
            assert counted
            assert float(counted[1]) == 5 * round
            (worker,) = workers(started)
            maps = Path(f"/proc/{worker}/maps").read_text()
            (file,) = set(re.findall(r"/\S+/histogram_\d+\.db", maps))
            assert [one.name for one in Path(file).parent.glob("*.db")] == ["histogram_1.db"]
            os.kill(worker, signal.SIGKILL)
            wait_for(lambda ended=worker: workers(started) not in ([], [ended]), 60)
