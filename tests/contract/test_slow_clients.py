"""Slow, stopped or idle clients do not block others."""

import re
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from time import monotonic

import httpx
import pytest

from tests.conftest import Services, wait_for
from tests.contract.another import another
from tests.stalled import CHUNKED, HALF_A_BODY, HALF_A_HEADER, LIST, POST, stalled

CLIENT_TIMEOUT = 3  # seconds, as set by the `services` fixture


def broken_off(client: socket.socket) -> bytes:
    """Return what arrives until the other side breaks off the connection."""
    received = b""
    with suppress(ConnectionResetError):
        while True:
            piece = client.recv(65536)
            assert piece, "The answer ended."
            received += piece
    return received


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


@pytest.fixture(scope="module")
def few_places(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A service with 20 places, in which no time ends while a test runs."""
    log = tmp_path_factory.mktemp("few places") / "log"
    limits = {"WORKER_CONNECTIONS": "20", "CLIENT_TIMEOUT": "600"}
    with another(services, log, **limits) as started:
        yield Services(services.users, started.url)


def assert_a_place_is_found(services: Services, user: str) -> None:
    """All calls are answered; otherwise a client would have to wait for ten minutes.

    Probes are answered at once, others perhaps after a 503, while many requests arrive at once.
    """
    for path in ("/livez", "/readyz"):
        assert httpx.get(f"{services.numbers}{path}", timeout=60).status_code == 200
    page = f"{services.numbers}/get-saved-numbers?page_size=1"
    wait_for(lambda: httpx.get(page, timeout=60).status_code == 200, 60)
    draw = f"{services.numbers}/generate-random-number"
    wait_for(lambda: httpx.post(draw, json={"user": user}, timeout=60).status_code == 201, 60)


def static_file(services: Services) -> bytes:
    """A request for the largest file that a service has."""
    found = re.search(
        r"/static/\S+swagger-ui-bundle[^\"]+", httpx.get(f"{services.numbers}/docs").text
    )
    assert found
    return f"GET {found[0]} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("sent", "more"),
    [
        pytest.param(b"", b"", id="idle"),
        pytest.param(HALF_A_HEADER, b"a", id="header"),
        pytest.param(HALF_A_BODY, b" ", id="body"),
        pytest.param(CHUNKED + b"1\r\n{\r\n", b"1\r\n \r\n", id="chunked body"),
        pytest.param(LIST, b"", id="list"),
        pytest.param(b"a static file", b"", id="static file"),
    ],
)
def test_slow_clients_give_way_when_all_places_are_taken(
    few_places: Services, user: str, rows: int, sent: bytes, more: bytes
) -> None:
    sent = static_file(few_places) if sent == b"a static file" else sent
    with stalled(few_places.numbers, sent, 60) as slow:
        for _ in range(3):
            for client in slow:
                with suppress(OSError):  # It has given way.
                    client.sendall(more)
            assert_a_place_is_found(few_places, user)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(POST + b"Content-Length: 500000000\r\n\r\n", id="500 MB"),
        pytest.param(CHUNKED + b"40000000\r\n", id="one chunk"),
        pytest.param(
            b"GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 500000000\r\n\r\n", id="probe"
        ),
        pytest.param(b"GET /livez HTTP/1.1\r\nHost: a\r\nX-Long: ", id="header"),
    ],
)
def test_a_client_that_sends_without_end_does_not_block_others(
    few_places: Services, user: str, sent: bytes
) -> None:
    """Each is cut off within bounds, and nobody waits for it, nor is there memory that grows."""
    received: list[int] = []

    def send() -> None:
        with stalled(few_places.numbers, sent, 1) as (client,), suppress(OSError):
            while True:
                received.append(client.send(b"x" * 65536))

    threads = [threading.Thread(target=send) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert_a_place_is_found(few_places, user)
    for thread in threads:
        thread.join(300)
        assert not thread.is_alive()
    assert sum(received) < 5 * 20_000_000


def test_a_reader_that_makes_progress_is_not_cut_when_all_places_are_taken(
    few_places: Services, user: str, rows: int
) -> None:
    with stalled(few_places.numbers, LIST, 1) as (reader,), ExitStack() as stack:
        received = bytearray()
        for _ in range(40):
            stack.enter_context(stalled(few_places.numbers, b"", 1))
            goal = len(received) + 300_000  # more than the buffers hold
            while len(received) < goal:
                received += reader.recv(8192)
        assert_a_place_is_found(few_places, user)
        while not received.endswith(b"\r\n0\r\n\r\n"):
            piece = reader.recv(1 << 20)
            assert piece, "The list was cut off."
            received += piece


def test_a_client_that_has_given_way_sees_that_its_answer_is_incomplete(
    few_places: Services, rows: int
) -> None:
    with stalled(few_places.numbers, LIST, 1) as (reader,), ExitStack() as stack:
        broken = select.poll()
        broken.register(reader, 0)  # for errors only
        wait_for(
            lambda: stack.enter_context(stalled(few_places.numbers, b"", 1)) and broken.poll(0), 60
        )
        assert b"]}" not in broken_off(reader)


def test_a_connection_that_becomes_idle_when_all_places_are_taken_gives_way(
    few_places: Services, user: str
) -> None:
    with stalled(few_places.numbers, HALF_A_BODY, 18) as all_busy:
        for client in all_busy:
            client.sendall(b'"x"}'.ljust(99 - len(b'{"user":')))
            assert client.recv(65536).startswith(b"HTTP/1.1 400 ")
        with stalled(few_places.numbers, b"", 10):
            assert_a_place_is_found(few_places, user)


def test_slow_clients_give_way_under_a_low_limit_of_open_files(
    services: Services, user: str, rows: int, tmp_path: Path
) -> None:
    """Each slow reader of a static file takes two files, and needs a third to be accepted."""
    log = tmp_path / "log"
    with another(services, log, files=128, CLIENT_TIMEOUT="600") as started:
        limited = Services("", started.url)
        with stalled(limited.numbers, static_file(limited), 200):
            assert_a_place_is_found(limited, user)
        assert "raise it (ulimit -n)" in log.read_text()
        assert "Too many open files" not in log.read_text()


def test_a_service_that_may_open_too_few_files_does_not_start(
    services: Services, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with (
        pytest.raises(AssertionError, match="which is too few: raise the limit"),
        another(services, log, files=50),
    ):
        pass


def test_a_body_that_is_sent_slowly_has_one_deadline(services: Services) -> None:
    """Each byte comes in time, but not all of them."""
    with stalled(services.numbers, HALF_A_BODY, 1) as (client,):
        client.settimeout(0.2)
        end = monotonic() + 10 * (CLIENT_TIMEOUT if services.state else 30)
        while monotonic() < end:
            client.sendall(b" ")
            with suppress(TimeoutError):
                assert client.recv(65536).startswith(b"HTTP/1.1 400 ")
                break
        else:
            pytest.fail("The body was awaited for ten times as long as it may take.")


def test_a_header_that_is_sent_slowly_has_one_deadline(services: Services) -> None:
    if services.state is None:
        pytest.skip("kubectl ends its whole port-forward when a connection breaks like this one")
    with stalled(services.numbers, HALF_A_HEADER, 1) as (client,):
        client.settimeout(0.2)
        end = monotonic() + 30
        with suppress(ConnectionError):  # The other side has closed the connection.
            while monotonic() < end:
                client.sendall(b"a")
                with suppress(TimeoutError):
                    assert client.recv(65536) == b""
                    return
            pytest.fail("The header was awaited for ten times as long as it may take.")


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
        received = broken_off(client)
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
