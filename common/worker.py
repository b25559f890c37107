"""How a process of a service waits for many clients at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent
from gunicorn.workers.ggevent import GeventWorker

from common.processes import CLIENT_TIMEOUT


class Worker(GeventWorker):
    """gunicorn's gevent worker: a connection has a greenlet, so a slow client holds up nobody.

    A request's header has to arrive within `keepalive`, and no read or write after it may take
    longer than CLIENT_TIMEOUT. A stop does not wait for clients that ask for nothing.
    """

    def init_process(self) -> None:
        self.idle: set[Any] = set()
        super().init_process()

    @contextmanager
    def timeout_ctx(self) -> Iterator[None]:
        """Wait for a connection's next request."""
        greenlet = gevent.getcurrent()
        self.idle.add(greenlet)
        try:
            with super().timeout_ctx():
                yield
        finally:
            self.idle.discard(greenlet)

    def notify(self) -> None:
        """Tell the first process, once a second, that this one is alive."""
        super().notify()
        if not self.alive:
            gevent.killall(list(self.idle), block=False)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Answer a request."""
        sock.settimeout(CLIENT_TIMEOUT)
        try:
            super().handle_request(listener_name, req, sock, addr)
        except TimeoutError as error:
            self.log.info("A client took too long to read, and was cut off.")
            raise StopIteration from error  # which ends a connection for gunicorn
        finally:
            sock.settimeout(None)
