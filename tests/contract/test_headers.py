"""The headers that every answer carries, also the answers that no view gives."""

import http.client
import re
import socket
from email.message import Message
from urllib.parse import urlsplit

import httpx
import pytest

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
DIRECTIVES = [
    "default-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
]
HOST = "Host: localhost\r\nConnection: close\r\n"
JSON = f"{HOST}Content-Type: application/json\r\n"
LONG = 70_000
REQUESTS = {
    "a list": (f"GET /users?page_size=1 HTTP/1.1\r\n{HOST}\r\n", 200),
    "the root": (f"GET / HTTP/1.1\r\n{HOST}\r\n", 200),
    "Swagger UI": (f"GET /docs HTTP/1.1\r\n{HOST}\r\n", 200),
    "a static file": (f"GET /static/missing.css HTTP/1.1\r\n{HOST}\r\n", 404),
    "the admin": (f"GET /admin/ HTTP/1.1\r\n{HOST}\r\n", 302),
    "a probe": (f"GET /livez HTTP/1.1\r\n{HOST}\r\n", 200),
    "readiness": (f"GET /readyz HTTP/1.1\r\n{HOST}\r\n", 200),
    "metrics": (f"GET /metrics HTTP/1.1\r\n{HOST}\r\n", 200),
    "a probe's 405": (f"POST /livez HTTP/1.1\r\n{HOST}\r\n", 405),
    "an unknown path": (f"GET /nothing HTTP/1.1\r\n{HOST}\r\n", 404),
    "an unknown Host": ("GET /users HTTP/1.1\r\nHost: evil\r\nConnection: close\r\n\r\n", 400),
    "a large body": (
        f"POST /users HTTP/1.1\r\n{JSON}Content-Length: {LONG}\r\n\r\n{'x' * LONG}",
        413,
    ),
    "a chunk that is not one": (
        f"POST /users HTTP/1.1\r\n{JSON}Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
        400,
    ),
    "another website's form": (f"POST /users HTTP/1.1\r\n{HOST}Origin: http://evil\r\n\r\n", 403),
    "an impossible port": (
        "GET / HTTP/1.1\r\nHost: localhost:99999\r\nConnection: close\r\n\r\n",
        400,
    ),
    "no JSON": (f"POST /users HTTP/1.1\r\n{JSON}Content-Length: 1\r\n\r\n{{", 400),
    "no HTTP": ("nonsense\r\n\r\n", 400),
    "a long address": (f"GET /{'x' * 9000} HTTP/1.1\r\n{HOST}\r\n", 414),
    "a long header": (f"GET / HTTP/1.1\r\n{HOST}X: {'x' * 9000}\r\n\r\n", 431),
    "an expectation": (f"GET / HTTP/1.1\r\n{HOST}Expect: more\r\n\r\n", 417),
}


def send(base_url: str, request: str) -> tuple[int, Message]:
    """Send bytes as they are, and return the answer's status and headers."""
    address = urlsplit(base_url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(request.encode())
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, response.headers


@pytest.mark.parametrize("case", REQUESTS)
def test_every_answer_has_the_security_headers_and_an_id(users: httpx.Client, case: str) -> None:
    request, expected = REQUESTS[case]
    status, headers = send(str(users.base_url), request)
    assert status == expected
    assert {name: headers[name] for name in SECURITY} == SECURITY
    for directive in DIRECTIVES:
        assert directive in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "no-store" in headers["Cache-Control"]
    assert headers["X-Request-ID"]


def test_static_files_may_be_kept(users: httpx.Client) -> None:
    path = re.findall(r'href="(/static/[^"]+\.css)"', users.get("/admin/login/").text)[0]
    assert "immutable" in users.get(path).headers["Cache-Control"]


def test_no_answer_of_the_api_sets_a_cookie(users: httpx.Client, name: str) -> None:
    users.post("/users", json={"name": name})
    for path in ("/", "/users", "/docs", "/docs?script", "/schema", "/nothing"):
        users.get(path, headers={"Accept": "text/html"})
    assert not users.cookies
