"""gunicorn's worker: eviction of idle connections, draining, and batched writes."""

import socket
from contextlib import ExitStack
from io import BytesIO
from typing import Any

import gevent.socket
import pytest
from django.http import HttpResponse
from gunicorn.http.wsgi import FileWrapper

from common.serving.worker import EvictingPool, Server, Worker, batch_writes


def test_the_accept_queue_is_drained_when_the_server_closes() -> None:
    received = []

    def handle(client: Any, address: Any) -> None:
        received.append(client.recv(9))
        client.close()

    listener = gevent.socket.create_server(("127.0.0.1", 0))
    pool = EvictingPool(10, evict_idle=lambda: None)
    server = Server(listener, handle, pool)
    server.start()
    with ExitStack() as stack:
        for _ in range(3):
            client = stack.enter_context(socket.create_connection(server.address))
            client.sendall(b"a request")
        assert not received
        server.close()
        pool.join(10)
    assert received == [b"a request"] * 3
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(server.address)


def test_the_least_recently_used_idle_connection_is_evicted() -> None:
    worker = object.__new__(Worker)
    with ExitStack() as stack:
        pairs = [gevent.socket.socketpair() for _ in range(3)]
        for end in (end for pair in pairs for end in pair):
            stack.callback(end.close)
        (sent, first), (_, second), (_, third) = pairs
        sent.sendall(b"a request")
        worker.idle = dict.fromkeys([first, second, third])
        worker.evict_idle()
        assert list(worker.idle) == [first, third]
        assert second.recv(9) == b""
        assert first.recv(9) == b"a request"


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
