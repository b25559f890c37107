"""gunicorn's gevent worker, in which no client can hold what others need.

A process has WORKER_CONNECTIONS places, one for each connection. When nearly all are taken, it
closes the connection that has waited longest for its client: for a request, for the rest of its
body, or for the client to read.

| what a client can hold | bound | measured |
| --- | --- | --- |
| a place | WORKER_CONNECTIONS (500) in each process, of which one in twenty stays free | 2,500 \
slow clients: others are answered in less than a second |
| a request at work | three quarters of the places, then 503; probes are always answered | |
| time for a header | CLIENT_TIMEOUT (30 s) after its first byte, KEEP_ALIVE (75 s) before | |
| time for a body | CLIENT_TIMEOUT for all of it | |
| time to read | CLIENT_TIMEOUT to take in more, a third of a buffer (40 KiB) | |
| time of the processor | 4 KiB at a time, then others have their turns | 100 clients that send \
without end: others wait 0.1 s |
| memory: idle | | 24 KiB for each place |
| memory: header | 32 KiB, and 64 fields of 8190 bytes | 97 KiB |
| memory: body | 64 KiB; 128 KiB with its framing, and 128 chunks | 103 KiB |
| memory: answer | a batch of rows, or a block of a file | 172 KiB |
| memory of the kernel | 64 KiB each to send and to receive, of which Linux uses twice as many | \
128 KiB |
| the rest of a body that is refused | 10 MB, and CLIENT_TIMEOUT, after the answer | |
| open files | two for each place; the places are fewer where the limit is low | |

So 500 places take at most 150 MiB of a process. With gunicorn's threads, a hundred clients block
all others for as long as they like.
"""

import errno
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from functools import partial
from typing import Any

import gevent
from gevent.server import StreamServer
from gunicorn.workers.ggevent import GeventWorker

from common.api import bodies
from common.limits import CLIENT_TIMEOUT
from common.serving import bad_requests
from common.serving.connections import Connection, Places
from common.serving.logging import HubErrors

# Set on the listening socket, from which connections inherit them.
SOCKET_OPTIONS = [
    # Buffers, in bytes, of which Linux uses twice as many. It would let them grow to megabytes, and
    # a slow reader would have to read a third of them before a blocked write continues.
    (socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024),
    (socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024),
    # How long the kernel keeps what a client does not read, also after its connection is closed.
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, CLIENT_TIMEOUT * 1000),
]


PROBES = ("/livez", "/readyz")


class Server(StreamServer):
    """A server that drains the accept queue on close. The kernel would reset its connections."""

    def __init__(self, listener: Any, handle: Callable[..., Any], places: Places) -> None:
        self.listener, self.handle_client, self.places = listener, handle, places
        for option in SOCKET_OPTIONS:
            listener.setsockopt(*option)
        super().__init__(listener, handle, spawn=places)

    def do_read(self) -> Any:
        """Accept a connection. gevent tries again after an error, first after 10 ms."""
        try:
            return super().do_read()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self.places.evict()
            raise

    def close(self) -> None:
        """Handle the connections in the accept queue, as many as there are places for."""
        with suppress(OSError):  # The queue is empty.
            self.listener.settimeout(0)
            while not self.places.full():
                self.places.spawn(self.handle_client, *self.listener.accept())
        super().close()


class Worker(GeventWorker):
    """gunicorn's gevent worker, with bounds for what a client can hold."""

    def server_class(self, listener: Any, spawn: Any, **unused: Any) -> Server:
        """Return a server for a listening socket. gunicorn expects a class here, and calls it."""
        return Server(listener, partial(self.handle, listener), self.places)

    def init_process(self) -> None:
        self.places = Places(self.worker_connections)
        self.busy = self.worker_connections * 3 // 4
        # gunicorn looks up its settings by name, twenty times for each request. Plain attributes
        # save 7 % of the processor time of a POST.
        self.cfg.__dict__.update({name: found.get() for name, found in self.cfg.settings.items()})
        hub: Any = gevent.get_hub()
        hub.print_exception = HubErrors()
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the service's application, and batch its writes."""
        super().load_wsgi()
        self.wsgi: Any = batch_writes(self.wsgi)

    def timeout_ctx(self) -> AbstractContextManager[None]:
        """Leave the time for a header to the connection."""
        return nullcontext()

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Answer the requests of a connection."""
        connection = Connection(client, self.places)
        # A socket for both families has IPv4 clients as ::ffff:192.0.2.1.
        address = (addr[0].removeprefix("::ffff:"), *addr[1:])
        try:
            super().handle(listener, connection, address)
        finally:
            self.places.leave(connection)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Answer a request."""
        sock.begin_request(req)
        if len(self.places.answering) > self.busy and req.path not in PROBES:
            raise bad_requests.Overloaded
        try:
            super().handle_request(listener_name, req, sock, addr)
        except StopIteration:  # The connection ends.
            if sock.is_refused:
                sock.linger()
            raise
        sock.await_request()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer a request that is not valid HTTP; gunicorn would send an HTML page."""
        if not bad_requests.is_bad_request(exc):
            super().handle_error(req, client, addr, exc)
            return
        self.log.warning("A request was refused: %s", type(exc).__name__)
        with suppress(OSError):  # The client has closed the connection, or does not read.
            client.sendall(bad_requests.answer(exc))
            client.linger()

    def notify(self) -> None:
        """Once a second, send the heartbeat, and report evictions; close idle connections."""
        super().notify()
        self.places.make_room()  # Perhaps nobody was waiting when the last place was taken.
        if evictions := self.places.evictions:
            self.places.evictions = 0
            self.log.warning(
                "All %d places were taken: %d connections that waited for their clients gave way.",
                self.places.size,
                evictions,
            )
        if not self.alive:
            self.places.close_idle()


def batch_writes(application: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a WSGI application so that answers of concurrent requests are sent one after another.

    A write wakes up the client or a proxy, which may preempt this process at once. In a batch that
    happens once for many answers: 1.2 times as many requests a second at 16 connections, 1.4 times
    at 64.
    """

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = application(environ, start_response)
        if bodies.ERROR in environ:
            environ["gunicorn.socket"].refuse()
        # gunicorn recognises a file by its class, and sends it with sendfile().
        is_file = isinstance(answer, environ["wsgi.file_wrapper"])
        return answer if is_file else batched(answer)

    return call


def batched(answer: Any) -> Iterator[bytes]:
    """Yield an answer once other greenlets have theirs ready; end once they have sent them."""
    with closing(answer):
        gevent.sleep(0)
        yield from answer
        gevent.sleep(0)
