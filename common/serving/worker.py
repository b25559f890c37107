"""How a process of a service waits for many clients at once."""

import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from functools import partial
from typing import Any

import gevent
from gevent.server import StreamServer
from gunicorn.util import close_graceful
from gunicorn.workers.ggevent import GeventWorker

from common.database.sockets import has_arrived
from common.limits import CLIENT_TIMEOUT
from common.serving.bad_requests import is_refusal, refusal

# Bytes that wait in the kernel for a client. With the megabytes that it would take by itself, a
# slow reader would have to read a third of them before a write goes on.
SEND_BUFFER = 128 * 1024


class Server(StreamServer):
    """gevent's server, which has a place for who comes next, and turns nobody away at its close."""

    def __init__(self, *args: Any, make_room: Callable[[], None], **options: Any) -> None:
        super().__init__(*args, **options)
        self.make_room = make_room

    def do_handle(self, *accepted: Any) -> None:
        """Handle a connection, and see to it that there is a place for another."""
        super().do_handle(*accepted)
        self.keep_room()

    def keep_room(self) -> None:
        """Let a client give up its place where it is the last one."""
        if self.full():
            self.make_room()

    def close(self) -> None:
        """Take over the connections that the kernel has accepted; it would reset them."""
        with suppress(OSError):  # no more can be taken
            while not self.closed and not self.full() and (accepted := self.do_read()):
                self.do_handle(*accepted)
        super().close()


class Worker(GeventWorker):
    """gunicorn's gevent worker: a connection has a greenlet, so a slow client holds up nobody.

    A request's header has to arrive within `keepalive`, and no read or write after it may take
    longer than CLIENT_TIMEOUT. Clients that ask for nothing neither hold up a stop nor keep others
    from their place.
    """

    def server_class(self, listener: Any, spawn: Any, **unused: Any) -> Server:
        """Return what takes in the connections of a socket."""
        handle = partial(self.handle, listener)
        server = Server(listener, handle, spawn=spawn, make_room=self.make_room)
        self.servers.append(server)
        return server

    def init_process(self) -> None:
        self.servers: list[Server] = []
        self.idle: dict[Any, None] = {}  # clients; who has been it for longest stands first
        # gunicorn searches its settings by name, twenty times for each request.
        self.cfg.__dict__.update({name: found.get() for name, found in self.cfg.settings.items()})
        super().init_process()

    def load_wsgi(self) -> None:
        """Take the service's application, whose answers leave in bursts."""
        super().load_wsgi()
        self.wsgi: Any = in_bursts(self.wsgi)

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
            raise StopIteration from error  # which ends a connection for gunicorn
        finally:
            sock.settimeout(None)
            self.idle[sock] = None

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Refuse what cannot be read as HTTP; gunicorn would send a page."""
        if not is_refusal(exc):
            super().handle_error(req, client, addr, exc)
            return
        self.log.warning("A request was refused: %s", type(exc).__name__)
        with suppress(OSError):  # it has hung up, or does not read
            client.settimeout(CLIENT_TIMEOUT)
            client.sendall(refusal(exc))
        # Where something is unread a close resets the connection, and the answer may be lost.
        close_graceful(client)

    def notify(self) -> None:
        """Tell the first process, once a second, that this one is alive."""
        super().notify()
        for server in self.servers:
            server.keep_room()  # All may have been busy when the last place was taken.
        if not self.alive:
            for client in list(self.idle):
                hang_up(client)

    def make_room(self) -> None:
        """Hang up on who has asked for nothing for longest."""
        for client in self.idle:
            if not has_arrived(client.fileno()):
                del self.idle[client]
                hang_up(client)
                return


def hang_up(client: Any) -> None:
    """End a connection, but first answer a request that has arrived on it."""
    with suppress(OSError):  # the client has just done so
        # gevent's own shutdown would end the wait for a request with an error.
        client._sock.shutdown(socket.SHUT_RD)


def in_bursts(application: Callable[..., Any]) -> Callable[..., Any]:
    """Let answers that are made at the same time leave right after each other.

    Whom an answer wakes up, be it a client or a proxy, may take the processor from this process at
    once. With bursts that happens once for many answers.
    """

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = application(environ, start_response)
        # gunicorn knows a file by its class, and lets the kernel send it.
        is_file = isinstance(answer, environ["wsgi.file_wrapper"])
        return answer if is_file else burst(answer)

    return call


def burst(answer: Any) -> Iterator[bytes]:
    """Yield an answer after the other greenlets have made theirs; end after they have sent them."""
    with closing(answer):
        gevent.sleep(0)
        yield from answer
        gevent.sleep(0)
