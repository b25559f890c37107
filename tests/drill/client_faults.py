"""Clients that behave badly, while others want to be served."""

import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Event
from time import monotonic

from tests.drill.drawers import KeyedDrawer
from tests.drill.ledger import Answer, Draw
from tests.drill.load import Load
from tests.drill.system import System
from tests.stalled import HALF_A_BODY, HALF_A_HEADER, LIST, stalled

STALLED = 40  # clients of each kind
LEAVERS = 6
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close by a reset, not by an orderly end


@contextmanager
def clients_stalling(system: System) -> Iterator[None]:
    """Clients that stop in the middle of a request or an answer"""
    with ExitStack() as stack:
        for sent in (LIST, HALF_A_HEADER, HALF_A_BODY):
            stack.enter_context(stalled(system.url, sent, STALLED))
        yield


@contextmanager
def clients_leaving(system: System) -> Iterator[None]:
    """Clients that hang up in the middle of a request or an answer"""
    stopped = Event()
    names = system.register("leaver", LEAVERS)
    leavers = [Leaver(system.url, name, system.ledger, stopped) for name in names]
    with Load(leavers, stopped):
        yield


class Leaver(KeyedDrawer):
    """Hangs up before its draw is answered, now earlier and now later; then insists on it.

    It does so with a draw without a key too, which is then forgotten.
    """

    def begin(self, draw: Draw) -> None:
        self.leave(draw)
        self.drawn += 1
        self.leave(Draw(self.user, draw.limit + 1))

    def leave(self, draw: Draw) -> None:
        """Send a draw, or a part of it, and hang up."""
        request = self.request(draw)
        part, reads = self.random.choice([(0.9, 0), (1, 0), (1, 0), (1, 20)])
        start = monotonic()
        host, port = self.address.split(":")
        try:
            with socket.create_connection((host, int(port)), timeout=5) as connection:
                connection.sendall(request[: int(len(request) * part)])
                if reads:
                    connection.recv(reads)
                elif self.random.random() < 0.5:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        except OSError:
            pass  # The service was faster.
        self.ledger.draws.append((draw, Answer(start, monotonic(), None)))

    def request(self, draw: Draw) -> bytes:
        """Return the bytes of a request."""
        headers = {"Host": self.address, "Content-Length": str(len(draw.body())), **draw.headers()}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST /generate-random-number HTTP/1.1\r\n{head}\r\n".encode() + draw.body()
