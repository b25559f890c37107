"""Slow, stopped or idle clients do not block others."""

import resource
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import httpx
import pytest

from tests.conftest import Services, bare_environment, run_front_script, wait_for
from tests.stalled import HALF_A_BODY, HALF_A_HEADER, LIST, stalled

CLIENT_TIMEOUT = 3  # seconds, as set by the `services` fixture


def assert_others_are_answered(services: Services, user: str) -> None:
    for _ in range(20):
        drawn = httpx.post(f"{services.numbers}/generate-random-number", json={"user": user})
        assert drawn.status_code == 201
        page = httpx.get(f"{services.numbers}/get-saved-numbers?page_size=1")
        assert page.status_code == 200
        for response in (drawn, page):
            assert response.elapsed.total_seconds() < CLIENT_TIMEOUT / 2


@pytest.mark.parametrize("sent", [LIST, HALF_A_HEADER, HALF_A_BODY, b""])
def test_a_hundred_slow_clients_do_not_block_others(
    services: Services, user: str, rows: int, sent: bytes
) -> None:
    with stalled(services.numbers, sent, 100):
        assert_others_are_answered(services, user)


@pytest.fixture
def many_files() -> Iterator[None]:
    """Raises the limit of open files to the maximum that the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("sent", [HALF_A_HEADER, b""])
def test_idle_connections_are_evicted_when_a_process_is_full(
    services: Services, user: str, many_files: None, sent: bytes
) -> None:
    if services.state is None:
        pytest.skip("USERS_URL names services elsewhere, perhaps behind a proxy with other limits")
    with stalled(services.numbers, sent, 2500):
        assert_others_are_answered(services, user)


def test_a_connection_that_becomes_idle_after_the_process_is_full_is_evicted(
    services: Services, tmp_path: Path
) -> None:
    if services.state is None:
        pytest.skip("needs services with few connections, but USERS_URL names some elsewhere")
    limits = "--workers 1 --worker-connections 10"
    environment = {**bare_environment(tmp_path), "GUNICORN_CMD_ARGS": limits}
    started = run_front_script(environment, "up", "--detach")
    assert started.returncode == 0, started.stderr
    try:
        url = f"http://127.0.0.1:{environment['NUMBERS_PORT']}"
        with stalled(url, HALF_A_BODY, 10) as all_busy:
            for client in all_busy:
                client.sendall(b'"x"}'.ljust(99 - len(b'{"user":')))
                assert client.recv(65536).startswith(b"HTTP/1.1 400 ")
            assert httpx.get(f"{url}/livez", timeout=CLIENT_TIMEOUT).status_code == 200
    finally:
        run_front_script(environment, "down", "--purge", "--yes")


def test_a_body_that_stops_halfway_is_answered_after_the_timeout(services: Services) -> None:
    with stalled(services.numbers, HALF_A_BODY, 1) as (client,):
        start = monotonic()
        answer = client.recv(65536)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert monotonic() - start > CLIENT_TIMEOUT - 1


def test_a_reader_that_stops_is_cut_off(services: Services, rows: int) -> None:
    if services.state is None:
        pytest.skip("needs the services' logs, but USERS_URL names services elsewhere")
    log = services.state / "logs" / "numbers.log"
    before = log.read_text().count("took too long")
    with stalled(services.numbers, LIST, 1) as (client,):
        wait_for(lambda: log.read_text().count("took too long") > before, CLIENT_TIMEOUT + 10)
        received = b"".join(iter(lambda: client.recv(65536), b""))
        assert received.startswith(b"HTTP/1.1 200 ")
        assert b"]}" not in received


def test_a_slow_but_steady_reader_gets_the_complete_list(services: Services, rows: int) -> None:
    pause = threading.Event()
    received = b""
    with stalled(services.numbers, LIST, 1) as (client,):
        end = monotonic() + 3 * CLIENT_TIMEOUT
        while monotonic() < end:  # 80 KiB a second
            received += client.recv(8192)
            pause.wait(0.1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        while not received.endswith(b"\r\n0\r\n\r\n"):
            piece = client.recv(1 << 20)
            assert piece, "The list was cut off."
            received += piece
