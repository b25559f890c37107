"""Connections of clients, and the places of a process for them: see the table in worker.py."""

import errno
import logging
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from time import monotonic
from typing import Any

import gevent
from gevent.monkey import get_original
from gevent.pool import Pool
from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import LimitRequestHeaders, NoMoreData

from common.api.bodies import BODY_LIMIT
from common.database.sockets import is_readable
from common.limits import CLIENT_TIMEOUT, KEEP_ALIVE

logger = logging.getLogger(__name__)

HEADER_BYTES = 32 * 1024
BODY_BYTES = 2 * BODY_LIMIT  # with the framing of a chunked body
# Pieces of a chunked body: parsing one takes as long as receiving some hundred bytes. A chunk is a
# piece, and so is each part of it that arrives by itself.
PIECES = 128
RECEIVED = 4096  # bytes at a time, between which other clients have their turns
DROPPED = 64 * 1024  # bytes at a time
# What is read, and dropped, of a client whose request was refused. Closing with unread input would
# reset the connection, and the client might not read its answer.
LINGER_BYTES = 10_000_000

PlainSocket = get_original("socket", "socket")
RESET = struct.pack("ii", 1, 0)


class Connection:
    """A client's connection, which gunicorn uses as a socket.

    It bounds what the client may send and how long it may take. A client that exceeds its time
    seems to have closed the connection.
    """

    def __init__(self, client: Any, places: "Places") -> None:
        self.client, self.places = client, places
        self.ended = self.is_evicted = self.is_refused = False
        self.close, self.fileno, self.shutdown = client.close, client.fileno, client.shutdown
        self.await_request()

    def setblocking(self, flag: bool) -> None:
        """Ignore gunicorn: each read and write has a timeout of its own."""

    def await_request(self) -> None:
        """Wait for a request, whose header has CLIENT_TIMEOUT seconds from its first byte."""
        self.in_request = self.has_begun = False
        self.room = HEADER_BYTES
        self.deadline = monotonic() + KEEP_ALIVE
        self.places.answering.discard(self)
        self.places.waiting[self] = socket.SHUT_RD
        self.places.make_room()

    def begin_request(self, request: Any) -> None:
        """Stop waiting, since the header is complete. The body has a time and a room of its own."""
        self.in_request, self.request = True, request
        self.go_on()
        self.room = BODY_BYTES
        self.deadline = monotonic() + CLIENT_TIMEOUT
        reader = request.body.reader
        is_chunked = isinstance(reader, ChunkedReader)
        if is_chunked:
            reader.parser = first(PIECES, reader.parser)
        if is_chunked or reader.length > len(request.unreader.buf.getvalue()):
            request.body = Body(request.body, self)

    def refuse(self) -> None:
        """Close the connection after the answer, since the request's body has not been read."""
        self.is_refused = True
        self.request.force_close()

    def recv(self, size: int) -> bytes:
        """Return what the client has sent, or b"" when it has closed or exceeded a bound."""
        if self.has_begun:
            gevent.sleep(0)  # Let others go first, however fast this client sends.
        if self.room <= 0 and not self.in_request:
            raise LimitRequestHeaders("header")
        data = self.receive(min(size, RECEIVED)) if self.room > 0 else b""
        if not self.has_begun:
            self.has_begun, self.deadline = True, monotonic() + CLIENT_TIMEOUT
        self.room -= len(data)
        self.ended = not data
        return data

    def receive(self, size: int) -> bytes:
        """Return what arrives until the deadline."""
        data = b""
        if not (self.ended or self.is_evicted):
            self.client.settimeout(max(0, self.deadline - monotonic()))
            try:
                data = self.client.recv(size)
            except (TimeoutError, BlockingIOError):
                data = b""
        if self.is_evicted and not data:
            # gunicorn closes the connection on this error without answering and logging.
            raise ConnectionResetError(errno.ECONNRESET, "evicted")
        return data

    def send(self, data: Any) -> int:
        """Send what the client takes in, within CLIENT_TIMEOUT, and return its length."""
        try:
            sent: int = self.client.send(data, timeout=0.0)
        except BlockingIOError:
            sent = self.send_later(data)
        return sent

    def send_later(self, data: Any) -> int:
        """Send data as soon as the client takes in some."""
        self.wait(socket.SHUT_RDWR)
        self.client.settimeout(CLIENT_TIMEOUT)
        try:
            sent: int = self.client.send(data)
        except TimeoutError as error:
            logger.info("A client took too long to read, and was cut off.")
            self.drop_unsent()
            # gunicorn closes the connection on this error without logging it.
            raise ConnectionResetError(errno.ECONNRESET, "too slow") from error
        finally:
            self.go_on()
        return sent

    def sendall(self, data: bytes) -> None:
        """Send all data. Whenever the client takes in some, it has CLIENT_TIMEOUT for the rest."""
        rest = memoryview(data)
        while rest:
            rest = rest[self.send(rest) :]

    def wait(self, how: int) -> None:
        """Count as waiting for the client; `how` says which direction to shut down to evict it."""
        self.places.make_room()
        self.places.answering.discard(self)
        self.places.waiting[self] = how

    def go_on(self) -> None:
        """Count as being answered."""
        self.places.waiting.pop(self, None)
        self.places.answering.add(self)

    def is_asking(self) -> bool:
        """Return whether a request has arrived whose first byte has not been read yet."""
        return not (self.in_request or self.has_begun) and is_readable(self.fileno())

    def half_close(self, how: int = socket.SHUT_RD) -> None:
        """End a wait; a request that has arrived is still answered."""
        with suppress(OSError, ValueError):  # The client has closed it.
            # gevent's shutdown() would make the pending read raise an error.
            plain = PlainSocket(fileno=self.client.fileno())
            try:
                plain.shutdown(how)
            finally:
                plain.detach()

    def drop_unsent(self) -> None:
        """Have close() reset the connection, so that the kernel keeps nothing for it."""
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def linger(self) -> None:
        """Read and drop what the client still sends, so that it can read its last answer."""
        self.in_request = self.ended = False
        self.deadline, left = monotonic() + CLIENT_TIMEOUT, LINGER_BYTES
        self.wait(socket.SHUT_RD)
        with suppress(OSError):  # The client has closed it.
            self.client.shutdown(socket.SHUT_WR)
            while left > 0 and (data := self.receive(DROPPED)):
                left -= len(data)
                gevent.sleep(0)


def first(count: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the pieces of a chunked body; raise NoMoreData if there are more than `count`."""
    yield from islice(pieces, count)
    for _ in pieces:
        raise NoMoreData()


class Body:
    """A body that has not arrived with its header. Until it has, its connection is waiting."""

    def __init__(self, body: Any, connection: Connection) -> None:
        self.body, self.connection = body, connection

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes."""
        if not self.connection.in_request:  # gunicorn looks whether the application has left some.
            return bytes(self.body.read(size))
        self.connection.wait(socket.SHUT_RD)
        try:
            data: bytes = self.body.read(size)
        finally:
            self.connection.go_on()
        return data


class Places(Pool):
    """A greenlet for each connection of a process.

    When all places are taken, the connection that has waited longest for its client gives way.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        # A few places stay free, so that many clients can be accepted at a time.
        self.usable = size - max(1, size // 20)
        # How each is shut down, longest waiting first. It waits for a request since the last
        # answer, for a whole body since its header, and for its client to read since the client
        # last took in something.
        self.waiting: dict[Connection, int] = {}
        # Those that wait for us.
        self.answering: set[Connection] = set()
        self.evicted: set[Connection] = set()
        self.evictions = 0

    def spawn(self, *args: Any, **kwargs: Any) -> Any:
        """Handle a connection, and ensure that another one can be accepted."""
        greenlet = super().spawn(*args, **kwargs)
        self.make_room()
        return greenlet

    def make_room(self) -> None:
        """Evict a connection if all usable places are taken, not counting evicted ones."""
        if len(self.greenlets) - len(self.evicted) > self.usable:
            self.evict()

    def evict(self) -> None:
        """Evict the connection that has waited longest, unless its request has just arrived."""
        connection = next((one for one in self.waiting if not one.is_asking()), None)
        if connection is None:
            return
        how = self.waiting.pop(connection)
        self.evicted.add(connection)
        self.evictions += 1
        connection.is_evicted = True
        if how == socket.SHUT_RDWR:
            connection.drop_unsent()
        connection.half_close(how)

    def close_idle(self) -> None:
        """End the waits for requests; a request that has arrived is still answered."""
        for connection in list(self.waiting):
            if not connection.in_request:
                connection.half_close()

    def leave(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        self.waiting.pop(connection, None)
        self.answering.discard(connection)
        self.evicted.discard(connection)
