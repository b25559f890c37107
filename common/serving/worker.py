"""gunicorn's gevent worker: thousands of slow clients do not block the others.

With 2,500 idle connections or half-sent headers, other requests still take 2 to 60 ms. With
gunicorn's threads, the same clients block all others for as long as they like.
"""

import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from functools import partial
from typing import Any

import gevent
from gevent.server import StreamServer
from gunicorn.util import close_graceful
from gunicorn.workers.ggevent import GeventWorker

from common.database.sockets import is_readable
from common.limits import CLIENT_TIMEOUT
from common.serving import bad_requests

# The socket's send buffer, in bytes. Linux would let it grow to megabytes, of which a slow reader
# would have to read a third before a blocked write continues.
SEND_BUFFER = 128 * 1024


class Server(StreamServer):
    """A server that evicts idle connections when full, and drains the accept queue on close.

    gevent's own server would leave new clients waiting, and reset those in the queue.
    """

    def __init__(self, *args: Any, evict_idle: Callable[[], None], **options: Any) -> None:
        super().__init__(*args, **options)
        self.evict_idle = evict_idle

    def do_handle(self, *accepted: Any) -> None:
        """Handle a connection, and ensure that another one can be accepted."""
        super().do_handle(*accepted)
        self.ensure_capacity()

    def ensure_capacity(self) -> None:
        """Evict an idle connection if the server is full."""
        if self.full():
            self.evict_idle()

    def close(self) -> None:
        """Handle the connections in the accept queue, which the kernel would otherwise reset."""
        with suppress(OSError):  # The socket accepts no more connections.
            while not self.closed and not self.full() and (accepted := self.do_read()):
                self.do_handle(*accepted)
        super().close()


class Worker(GeventWorker):
    """gunicorn's gevent worker, with a timeout for each wait on a client.

    A request's header must arrive within `keepalive` seconds, and each read or write after it must
    finish within CLIENT_TIMEOUT. Idle connections delay neither a graceful shutdown nor new
    clients.
    """

    def server_class(self, listener: Any, spawn: Any, **unused: Any) -> Server:
        """Return a server for a listening socket. gunicorn expects a class here, and calls it."""
        handle = partial(self.handle, listener)
        server = Server(listener, handle, spawn=spawn, evict_idle=self.evict_idle)
        self.servers.append(server)
        return server

    def init_process(self) -> None:
        self.servers: list[Server] = []
        self.idle: dict[Any, None] = {}  # idle connections, least recently used first
        # gunicorn looks up its settings by name, twenty times for each request.
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
            raise StopIteration from error  # makes gunicorn close the connection
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
        # Closing with unread input would reset the connection, and the answer might be lost.
        close_graceful(client)

    def notify(self) -> None:
        """Once a second, send the heartbeat, and close idle connections when full or stopping."""
        super().notify()
        for server in self.servers:
            server.ensure_capacity()  # Perhaps no connection was idle when it became full.
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
    with suppress(OSError):  # The client has closed it.
        # gevent's shutdown() would make the pending read raise an error.
        client._sock.shutdown(socket.SHUT_RD)


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
