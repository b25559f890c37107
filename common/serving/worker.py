"""gunicorn's gevent worker: thousands of slow clients do not block the others.

With 2,500 idle connections or half-sent headers, other requests still take 2 to 60 ms. With
gunicorn's threads, the same clients block all others for as long as they like.
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

# The socket's send buffer, in bytes. Linux would let it grow to megabytes, of which a slow reader
# would have to read a third before a blocked write continues.
SEND_BUFFER = 128 * 1024
# How long a client whose request was refused may take to read the answer, and how much of what it
# still sends is read meanwhile.
LINGER = 2  # seconds
LINGER_READS = 16  # of 4 KiB

PlainSocket = get_original("socket", "socket")


class EvictingPool(Pool):
    """A pool with a greenlet for each connection, which evicts an idle connection when full.

    gevent's own pool would leave new clients waiting.
    """

    def __init__(self, size: int, evict_idle: Callable[[], None]) -> None:
        super().__init__(size)
        self.evict_idle = evict_idle

    def spawn(self, *args: Any, **kwargs: Any) -> Any:
        """Handle a connection, and ensure that another one can be accepted."""
        greenlet = super().spawn(*args, **kwargs)
        self.ensure_capacity()
        return greenlet

    def ensure_capacity(self) -> None:
        """Evict an idle connection if the pool is full."""
        if self.full():
            self.evict_idle()


class Server(StreamServer):
    """A server that drains the accept queue on close. The kernel would reset its connections."""

    def __init__(
        self, listener: socket.socket, handle: Callable[..., Any], pool: EvictingPool
    ) -> None:
        self.listener, self.handle_client, self.handlers = listener, handle, pool
        super().__init__(listener, handle, spawn=pool)

    def close(self) -> None:
        """Handle the connections in the accept queue, as many as the pool has room for."""
        with suppress(OSError):  # The queue is empty.
            self.listener.settimeout(0)
            while not self.handlers.full():
                self.handlers.spawn(self.handle_client, *self.listener.accept())
        super().close()


class Worker(GeventWorker):
    """gunicorn's gevent worker, with a timeout for each wait on a client.

    A request's header must arrive within `keepalive` seconds, and each read or write after it must
    finish within CLIENT_TIMEOUT. Idle connections delay neither a graceful shutdown nor new
    clients.
    """

    def server_class(self, listener: Any, spawn: Any, **unused: Any) -> Server:
        """Return a server for a listening socket. gunicorn expects a class here, and calls it."""
        pool = EvictingPool(self.worker_connections, self.evict_idle)
        self.pools.append(pool)
        return Server(listener, partial(self.handle, listener), pool)

    def init_process(self) -> None:
        self.pools: list[EvictingPool] = []  # one for each listening socket
        self.idle: dict[Any, None] = {}  # idle connections, least recently used first
        # gunicorn looks up its settings by name, twenty times for each request. Plain attributes
        # save 7 % of the processor time of a POST.
        self.cfg.__dict__.update({name: found.get() for name, found in self.cfg.settings.items()})
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the service's application, and batch its writes."""
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
            # gunicorn closes the connection on this error without logging it.
            raise ConnectionResetError(errno.ECONNRESET, "too slow") from error
        finally:
            sock.settimeout(None)
            self.idle[sock] = None

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer a request that is not valid HTTP; gunicorn would send an HTML page."""
        if not bad_requests.is_bad_request(exc):
            super().handle_error(req, client, addr, exc)
            return
        self.log.warning("A request was refused: %s", type(exc).__name__)
        with suppress(OSError):  # The client has closed the connection, or does not read.
            client.settimeout(CLIENT_TIMEOUT)
            client.sendall(bad_requests.answer(exc))
            linger(client)

    def notify(self) -> None:
        """Once a second, send the heartbeat, and close idle connections when full or stopping."""
        super().notify()
        for pool in self.pools:
            pool.ensure_capacity()  # Perhaps no connection was idle when it became full.
        if not self.alive:
            for client in list(self.idle):
                half_close(client)

    def evict_idle(self) -> None:
        """Close the least recently used idle connection on which no request has arrived."""
        for client in self.idle:
            if not is_readable(client.fileno()):
                del self.idle[client]
                half_close(client)
                return


def half_close(client: Any) -> None:
    """Stop reading from a connection; a request that has arrived is still answered."""
    with suppress(OSError, ValueError):  # The client has closed it.
        # gevent's shutdown() would make the pending read raise an error.
        plain = PlainSocket(fileno=client.fileno())
        try:
            plain.shutdown(socket.SHUT_RD)
        finally:
            plain.detach()


def linger(client: Any) -> None:
    """Let a client read its last answer before the connection is closed.

    Closing with unread input would reset the connection, and the answer might be lost.
    """
    with suppress(gevent.Timeout), gevent.Timeout(LINGER):
        client.shutdown(socket.SHUT_WR)
        for _ in range(LINGER_READS):
            if not client.recv(4096):
                break


def batch_writes(application: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a WSGI application so that answers of concurrent requests are sent one after another.

    A write wakes up the client or a proxy, which may preempt this process at once. In a batch that
    happens once for many answers: 1.2 times as many requests a second at 16 connections, 1.4 times
    at 64.
    """

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = application(environ, start_response)
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
