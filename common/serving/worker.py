"""gunicorn's worker: a greenlet for each client, so that thousands of slow ones hold up nobody.

2,500 idle clients, or half-sent headers, leave others' requests at 2 to 60 ms. gunicorn's threads
let the same clients hold up everybody for as long as they like.
"""

import errno
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from functools import partial
from typing import Any

import gevent
from gevent.monkey import get_original
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn.workers.ggevent import GeventWorker

from common.database.sockets import is_readable
from common.limits import CLIENT_TIMEOUT
from common.serving import bad_requests

# Bytes that wait in the kernel for a client. With the megabytes that Linux would take by itself, a
# slow reader would have to read a third of them before a write goes on.
SEND_BUFFER = 128 * 1024
# A client that is refused has so long to read the answer, and so much may it send meanwhile.
LINGER = 2  # seconds
LINGER_READS = 16  # of 4 KiB

PlainSocket = get_original("socket", "socket")


class Places(Pool):
    """A greenlet for each connection. Where the last place is taken, an idle one is evicted.

    gevent's own pool would leave new clients waiting.
    """

    def __init__(self, size: int, evict_idle: Callable[[], None]) -> None:
        super().__init__(size)
        self.evict_idle = evict_idle

    def spawn(self, *args: Any, **kwargs: Any) -> Any:
        """Handle a connection, and make sure that another can be accepted."""
        greenlet = super().spawn(*args, **kwargs)
        self.ensure_free_place()
        return greenlet

    def ensure_free_place(self) -> None:
        """Evict an idle connection where the last place is taken."""
        if self.full():
            self.evict_idle()


class Server(StreamServer):
    """gevent's server, which at its close drains the accept queue; the kernel would reset it."""

    def __init__(self, listener: socket.socket, handle: Callable[..., Any], places: Places) -> None:
        self.listener, self.handle_client, self.places = listener, handle, places
        super().__init__(listener, handle, spawn=places)

    def close(self) -> None:
        """Handle the connections in the accept queue, as many as there are places for."""
        with suppress(OSError):  # no more can be accepted
            self.listener.settimeout(0)
            while not self.places.full():
                self.places.spawn(self.handle_client, *self.listener.accept())
        super().close()


class Worker(GeventWorker):
    """gunicorn's gevent worker, with a bound for each wait on a client.

    A request's header has to arrive within `keepalive`, and no read or write after it may take
    longer than CLIENT_TIMEOUT. Idle connections neither hold up a graceful shutdown nor keep others
    out.
    """

    def server_class(self, listener: Any, spawn: Any, **unused: Any) -> Server:
        """Return the server that accepts the connections of a listening socket."""
        places = Places(self.worker_connections, self.evict_idle)
        self.places.append(places)
        return Server(listener, partial(self.handle, listener), places)

    def init_process(self) -> None:
        self.places: list[Places] = []  # of each listening socket
        self.idle: dict[Any, None] = {}  # idle connections, least recently used first
        # gunicorn searches its settings by name, twenty times for each request. From its __dict__
        # they come at once: 1.1 times the POSTs a second at 16 connections, and 7 % less processor.
        self.cfg.__dict__.update({name: found.get() for name, found in self.cfg.settings.items()})
        super().init_process()

    def load_wsgi(self) -> None:
        """Take the service's application, and batch its writes."""
        super().load_wsgi()
        self.wsgi: Any = batch_writes(self.wsgi)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Answer the requests of a connection."""
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self.idle[client] = None
        try:
            super().handle(listener, client, addr)
        finally:
            self.idle.pop(client, None)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Answer a request."""
        self.idle.pop(sock, None)
        sock.settimeout(CLIENT_TIMEOUT)
        try:
            super().handle_request(listener_name, req, sock, addr)
        except TimeoutError as error:
            self.log.info("A client took too long to read, and was cut off.")
            # gunicorn ends the connection, and says no more about it.
            raise ConnectionResetError(errno.ECONNRESET, "too slow") from error
        finally:
            sock.settimeout(None)
            self.idle[sock] = None

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer a request that is not HTTP; gunicorn would send a page."""
        if not bad_requests.is_bad_request(exc):
            super().handle_error(req, client, addr, exc)
            return
        self.log.warning("A request was refused: %s", type(exc).__name__)
        with suppress(OSError):  # The client has closed the connection, or does not read.
            client.settimeout(CLIENT_TIMEOUT)
            client.sendall(bad_requests.answer(exc))
            linger(client)

    def notify(self) -> None:
        """Send the first process a heartbeat, once a second."""
        super().notify()
        for places in self.places:
            places.ensure_free_place()  # All may have been busy when the last one was taken.
        if not self.alive:
            for client in list(self.idle):
                half_close(client)

    def evict_idle(self) -> None:
        """Close the connection that has been idle for longest, unless a request has arrived."""
        for client in self.idle:
            if not is_readable(client.fileno()):
                del self.idle[client]
                half_close(client)
                return


def half_close(client: Any) -> None:
    """End a connection, after a request that has arrived on it has been answered."""
    with suppress(OSError, ValueError):  # The client has closed it.
        # gevent's own shutdown would end the wait for a request with an error.
        plain = PlainSocket(fileno=client.fileno())
        try:
            plain.shutdown(socket.SHUT_RD)
        finally:
            plain.detach()


def linger(client: Any) -> None:
    """Let a client read its last answer before the connection is closed.

    Where something that it has sent is unread, a close resets the connection, and the answer may be
    lost.
    """
    with suppress(gevent.Timeout), gevent.Timeout(LINGER):
        client.shutdown(socket.SHUT_WR)
        for _ in range(LINGER_READS):
            if not client.recv(4096):
                break


def batch_writes(application: Callable[..., Any]) -> Callable[..., Any]:
    """Let answers that are ready at the same time be sent right after each other.

    An answer wakes up its client, or a proxy, which may take the processor from this process at
    once. In batches that happens once for many answers: 1.2 times the requests a second at 16
    connections, 1.4 times at 64.
    """

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = application(environ, start_response)
        # gunicorn recognises a file by its class, and lets the kernel send it.
        is_file = isinstance(answer, environ["wsgi.file_wrapper"])
        return answer if is_file else batched(answer)

    return call


def batched(answer: Any) -> Iterator[bytes]:
    """Yield an answer after the other greenlets have made theirs; end after they have sent them."""
    with closing(answer):
        gevent.sleep(0)
        yield from answer
        gevent.sleep(0)
