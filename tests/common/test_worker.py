"""gunicorn's worker: bounds for connections, eviction, draining, and batched writes."""

import errno
import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import gevent.socket
import pytest
from django.http import HttpResponse
from gunicorn.http.body import ChunkedReader, LengthReader
from gunicorn.http.errors import LimitRequestHeaders, NoMoreData
from gunicorn.http.unreader import IterUnreader
from gunicorn.http.wsgi import FileWrapper

from common.api import bodies
from common.serving import connections
from common.serving.connections import Connection, Places
from common.serving.logging import HubErrors
from common.serving.worker import Server, batch_writes

Pair = tuple[Connection, Any]
SECONDS = 30  # that nothing here takes


@pytest.fixture
def places() -> Places:
    return Places(10)


@pytest.fixture
def pairs(places: Places) -> Iterator[list[Pair]]:
    """Three connections, and their clients, which have connected one after the other."""
    with ExitStack() as stack:
        made = []
        for _ in range(3):
            ours, theirs = gevent.socket.socketpair()
            stack.callback(ours.close)
            stack.callback(theirs.close)
            theirs.settimeout(SECONDS)
            made.append((Connection(ours, places), theirs))
        yield made


def begin_request(connection: Connection, reader: Any = None) -> None:
    unreader = IterUnreader([])
    body = SimpleNamespace(reader=reader or LengthReader(unreader, 0))
    request = SimpleNamespace(body=body, unreader=unreader, force_close=lambda: None)
    connection.begin_request(request)


def fill(connection: Connection) -> None:
    """Send until the client would have to read."""
    with suppress(BlockingIOError):
        while True:
            connection.client.send(b"x" * 65536, timeout=0.0)


def test_the_accept_queue_is_drained_when_the_server_closes(places: Places) -> None:
    received = []

    def handle(client: Any, address: Any) -> None:
        received.append(client.recv(9))
        client.close()

    listener = gevent.socket.create_server(("127.0.0.1", 0))
    server = Server(listener, handle, places)
    server.start()
    with ExitStack() as stack:
        for _ in range(3):
            client = stack.enter_context(socket.create_connection(server.address))
            client.sendall(b"a request")
        assert not received
        server.close()
        places.join(SECONDS)
    assert received == [b"a request"] * 3
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(server.address)


def test_connections_inherit_the_bounds_of_the_kernels_buffers(places: Places) -> None:
    listener = gevent.socket.create_server(("127.0.0.1", 0))
    server = Server(listener, print, places)
    with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 2 * 64 * 1024
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 2 * 64 * 1024
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) > 0
    server.close()


def test_the_connection_that_has_waited_longest_for_a_request_is_evicted(
    places: Places, pairs: list[Pair]
) -> None:
    (first, client), (second, _), (third, _) = pairs
    client.sendall(b"a request")  # which has just arrived
    places.evict()
    assert list(places.waiting) == [first, third]
    assert first.recv(9) == b"a request"
    with pytest.raises(ConnectionResetError):
        second.recv(9)


def test_a_connection_whose_header_has_begun_is_evicted_however_much_it_sends(
    places: Places, pairs: list[Pair]
) -> None:
    (first, client), *_ = pairs
    client.sendall(b"GET / HTTP/1.1")
    assert first.recv(3) == b"GET"
    places.evict()
    with pytest.raises(ConnectionResetError):
        first.recv(9)


def test_a_body_that_is_read_counts_as_waiting_from_its_first_byte(
    places: Places, pairs: list[Pair]
) -> None:
    (first, client), *_ = pairs
    begin_request(first)
    assert first not in places.waiting
    pieces = []

    def read(size: int) -> bytes:
        pieces.append(first.recv(size))
        pieces.append(first.recv(size))  # does not begin to wait once more
        return b"".join(pieces)

    body = connections.Body(SimpleNamespace(read=read), first)
    reading = gevent.spawn(body.read, 9)
    client.sendall(b"one")
    gevent.sleep(0.01)
    pairs[1][0].await_request()
    assert list(places.waiting)[-1] is first
    client.sendall(b"two")
    assert reading.get(timeout=SECONDS) == b"onetwo"
    assert first in places.answering


def test_a_connection_is_idle_after_gunicorn_has_looked_for_a_rest_of_the_body(
    places: Places, pairs: list[Pair]
) -> None:
    first = pairs[0][0]
    begin_request(first)
    body = connections.Body(SimpleNamespace(read=lambda size: b""), first)
    first.await_request()
    assert body.read(1024) == b""
    assert first in places.waiting
    assert not places.answering


def test_a_client_that_does_not_read_is_evicted_and_its_answer_dropped(
    places: Places, pairs: list[Pair]
) -> None:
    (first, _), (second, _), (third, _) = pairs
    for connection in (second, third):
        begin_request(connection)  # at work, so no candidate
    begin_request(first)
    fill(first)
    sending = gevent.spawn(first.sendall, b"more")
    gevent.sleep(0)
    assert list(places.waiting) == [first]
    places.evict()
    with pytest.raises(BrokenPipeError):
        sending.get(timeout=SECONDS)
    linger = first.client.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
    assert linger == connections.RESET


def test_whoever_begins_to_write_is_not_evicted_for_it(places: Places, pairs: list[Pair]) -> None:
    (first, client), *_ = pairs
    begin_request(first)
    places.waiting.clear()
    places.usable = -1
    assert first.send(b"an answer") == 9
    assert client.recv(9) == b"an answer"
    assert not places.evicted


def test_an_evicted_connection_is_counted_until_it_has_left(
    places: Places, pairs: list[Pair]
) -> None:
    places.usable = 0
    places.greenlets.add(gevent.spawn(lambda: None))  # type: ignore[attr-defined]
    places.make_room()
    places.make_room()
    assert places.evictions == 1
    places.leave(*places.evicted)
    places.make_room()
    assert places.evictions == 2


def test_a_body_in_time_may_take_several_reads_but_no_more_than_its_time(
    pairs: list[Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, client), *_ = pairs
    begin_request(first)
    client.sendall(b"a piece")
    assert first.recv(99) == b"a piece"
    monkeypatch.setattr(connections, "monotonic", lambda: first.deadline + 1)
    assert first.recv(99) == b""
    client.sendall(b"a piece that is too late")
    assert first.recv(99) == b""


def test_a_header_is_bounded_as_a_whole(pairs: list[Pair]) -> None:
    (first, client), *_ = pairs
    sending = gevent.spawn(client.sendall, b"x" * 2 * connections.HEADER_BYTES)
    received = 0
    while received < connections.HEADER_BYTES:
        received += len(first.recv(9999))
    with pytest.raises(LimitRequestHeaders):
        first.recv(1)
    sending.kill()


@pytest.mark.parametrize(
    ("reader", "piece", "least"),
    [
        (LengthReader(IterUnreader([]), 1), b"x\r\n", bodies.BODY_LIMIT + 1),
        (ChunkedReader(None, IterUnreader([])), b"x" * 1000, bodies.BODY_LIMIT + 1),
    ],
)
def test_a_body_is_bounded_by_its_bytes(
    pairs: list[Pair], reader: Any, piece: bytes, least: int
) -> None:
    (first, client), *_ = pairs
    begin_request(first, reader)
    sending = gevent.spawn(client.sendall, piece * (connections.BODY_BYTES // len(piece) * 2))
    received = sum(map(len, iter(lambda: first.recv(1 << 20), b"")))
    assert least <= received <= connections.BODY_BYTES + connections.RECEIVED
    sending.kill()


def test_a_chunked_body_is_bounded_by_its_chunks(pairs: list[Pair]) -> None:
    (first, _), *_ = pairs
    for chunks in (connections.PIECES, connections.PIECES + 1):
        data = [b"1\r\nx\r\n" * chunks, b"0\r\n\r\n"]
        reader = ChunkedReader(None, IterUnreader(data))
        begin_request(first, reader)
        if chunks == connections.PIECES:
            assert reader.read(bodies.BODY_LIMIT) == b"x" * chunks
        else:
            with pytest.raises(NoMoreData):
                reader.read(bodies.BODY_LIMIT)


def test_a_client_that_sends_without_end_lets_others_go_first(pairs: list[Pair]) -> None:
    (first, client), *_ = pairs
    client.sendall(b"x" * 3 * connections.RECEIVED)
    seen = []

    def read() -> None:
        for _ in range(3):
            first.recv(1 << 20)
            seen.append("read")

    gevent.joinall([gevent.spawn(read), gevent.spawn(lambda: seen.append("other"))])
    assert seen == ["read", "other", "read", "read"]


def test_a_refused_clients_rest_is_dropped_within_bounds(
    pairs: list[Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "LINGER_BYTES", 200_000)
    (first, client), *_ = pairs
    begin_request(first)
    sending = gevent.spawn(client.sendall, b"x" * 1_000_000)
    first.linger()
    assert client.recv(9) == b""  # the end of the answer
    assert not sending.ready()
    sending.kill()


def test_a_body_that_was_not_read_closes_the_connection() -> None:
    refused = []

    def application(environ: dict[str, Any], start_response: Any) -> HttpResponse:
        environ[bodies.ERROR] = bodies.TOO_LARGE
        return HttpResponse(b"an answer")

    client = SimpleNamespace(refuse=lambda: refused.append(True))
    environ = {"wsgi.file_wrapper": FileWrapper, "gunicorn.socket": client}
    assert list(batch_writes(application)(environ, None)) == [b"an answer"]
    assert refused == [True]


def test_gevents_errors_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    hub: Any = gevent.get_hub()
    hub.print_exception = HubErrors()
    try:
        gevent.spawn(lambda: 1 // 0).join()
        for _ in range(3):
            hub.handle_error("accept", OSError, OSError(errno.EMFILE, "Too many open files"), None)
    finally:
        del hub.print_exception
    failed, shortage = caplog.records
    assert failed.exc_info
    assert failed.exc_info[0] is ZeroDivisionError
    assert shortage.getMessage() == "gevent: accept failed."
    assert shortage.levelno == logging.ERROR


def test_a_shortage_of_files_evicts_a_connection(
    places: Places, pairs: list[Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with gevent.socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener, print, places)
        server.socket = SimpleNamespace(_accept=fail)
        with pytest.raises(OSError, match="Too many"):
            server.do_read()
    assert places.evicted == {pairs[0][0]}


def test_writes_of_concurrent_requests_are_batched() -> None:
    seen = []

    def make(environ: dict[str, Any], start_response: Any) -> HttpResponse:
        seen.append("made")
        return HttpResponse(b"an answer")

    def serve() -> None:
        for _ in batch_writes(make)({"wsgi.file_wrapper": FileWrapper}, None):
            seen.append("sent")
        seen.append("done")

    gevent.joinall([gevent.spawn(serve) for _ in range(3)])
    assert seen == ["made"] * 3 + ["sent"] * 3 + ["done"] * 3


def test_a_file_is_passed_to_gunicorn_unchanged() -> None:
    file = FileWrapper(BytesIO(b"a style sheet"))
    assert batch_writes(lambda *_: file)({"wsgi.file_wrapper": FileWrapper}, None) is file


def test_an_answer_is_closed_when_its_client_disconnects() -> None:
    answer = HttpResponse(b"an answer")
    sending = batch_writes(lambda *_: answer)({"wsgi.file_wrapper": FileWrapper}, None)
    assert next(iter(sending)) == b"an answer"
    assert not answer.closed
    sending.close()
    assert answer.closed
