"""Clients that send the beginning of a request, or read nothing of the answer."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

LIST = b"GET /get-saved-numbers HTTP/1.1\r\nHost: localhost\r\n\r\n"
HALF_A_HEADER = b"GET /get-saved-numbers HTTP/1.1\r\nHost: loc"
POST = (
    b"POST /generate-random-number HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\n"
)
HALF_A_BODY = POST + b'Content-Length: 99\r\n\r\n{"user":'
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@contextmanager
def stalled(url: str, sent: bytes, number: int) -> Iterator[list[socket.socket]]:
    """Open connections that send some bytes and read nothing."""
    address = urlsplit(url)
    with ExitStack() as stack:
        sockets = []
        for _ in range(number):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(30)
            client.connect((address.hostname, address.port))
            client.sendall(sent)
            sockets.append(client)
        yield sockets
