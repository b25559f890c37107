"""Error answers, over HTTP."""

import http.client
import json
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conftest import Services

JSON = {"Content-Type": "application/json"}
MALFORMED = [
    b"GET /users?name=\xff%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET /%00%ff/..// HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET http://localhost/users/../x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"POST /users HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
    b"POST /users HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /users HTTP/1.1\r\nHost: local host\r\nConnection: close\r\n\r\n",
    b"PUT /users HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    b"POST /users HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    b"BREW /users HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET /users HTTP/1.1\r\nHost: localhost\r\nAccept: \xff;q=x,*\r\n\r\n",
    b"GET /users HTTP/1.1\r\nHost: localhost\r\nCookie: \xff=\x01\r\nConnection: close\r\n\r\n",
    b"nonsense\r\n\r\n",
]
# Header fields that make a request none of HTTP, and the status of its answer.
UNREADABLE = [
    (f"Host: localhost\r\nX-Long: {'x' * 9000}", 431),
    ("Host: localhost\r\n" + "X-Field: x\r\n" * 64, 431),
    ("Host: localhost\r\n" + f"X-Long: {'x' * 7000}\r\n" * 6, 431),
    ("Host: localhost\r\nExpect: something", 417),
    ("Host: localhost\r\nTransfer-Encoding: something", 501),
    ("Host: localhost\r\nContent-Length: 1\r\nContent-Length: 2", 400),
]


def assert_error(response: httpx.Response, status: int) -> None:
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    assert isinstance(response.json()["error"], str)
    assert set(response.json()) <= {"error", "fields"}


def test_an_unknown_path_and_an_unknown_user_are_404(users: httpx.Client) -> None:
    for path in ("/nothing", "/users/0", "/users/99999999999999999999", "/users/x"):
        assert_error(users.get(path), 404)


def test_another_method_is_405(users: httpx.Client, numbers: httpx.Client) -> None:
    for response in (users.put("/users"), numbers.get("/generate-random-number")):
        assert_error(response, 405)
        assert response.headers["Allow"]


@pytest.mark.parametrize("megabytes", [0.07, 10])
def test_a_body_that_is_too_large_is_413(users: httpx.Client, megabytes: float) -> None:
    body = b"x" * int(megabytes * 1_000_000)
    assert_error(users.post("/users", content=body, headers=JSON), 413)
    assert_error(users.post("/users", content=iter([body]), headers=JSON), 413)


@pytest.mark.parametrize("path", ["/users", "/livez"])
def test_the_rest_of_a_body_that_is_too_large_is_no_request(
    services: Services, users: httpx.Client, path: str
) -> None:
    address = urlsplit(str(users.base_url))
    smuggled = b"GET /users HTTP/1.1\r\nHost: localhost\r\n\r\n"
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(head.encode() + smuggled.rjust(100_000) + smuggled)
        connection.shutdown(socket.SHUT_WR)
        answers = connection.makefile("rb").read()
    if services.state or answers:  # A proxy in between, such as kubectl, may lose the answer.
        assert answers.count(b"HTTP/1.1 ") == 1


def test_a_filter_by_the_longest_name_fits_into_the_address(users: httpx.Client) -> None:
    assert users.get("/users", params={"name": "\U0001f600" * 80}).json() == []


@pytest.mark.parametrize(
    "content_type",
    ["text/csv", "application/json; charset=hex", "application/json; a*=bogus''x", ""],
)
def test_another_content_type_is_415(users: httpx.Client, content_type: str) -> None:
    response = users.post("/users", content=b"{}", headers={"Content-Type": content_type})
    assert_error(response, 415)


def test_an_unknown_host_is_400(users: httpx.Client) -> None:
    assert_error(users.get("/users", headers={"Host": "evil.example"}), 400)


def test_drawing_for_an_unknown_user_is_400(numbers: httpx.Client, name: str) -> None:
    response = numbers.post("/generate-random-number", json={"user": name})
    assert_error(response, 400)
    assert list(response.json()["fields"]) == ["user"]


def test_a_name_that_is_taken_is_409(users: httpx.Client, user: str) -> None:
    assert_error(users.post("/users", json={"name": user}), 409)


@pytest.mark.parametrize("request_bytes", MALFORMED)
def test_a_malformed_request_is_never_500(users: httpx.Client, request_bytes: bytes) -> None:
    status, answer = send(users, request_bytes)
    assert 200 <= status < 500
    assert status < 400 or isinstance(answer["error"], str)


@pytest.mark.parametrize(("fields", "status"), UNREADABLE)
def test_a_request_that_is_not_valid_http_is_refused_as_json(
    users: httpx.Client, fields: str, status: int
) -> None:
    refused, answer = send(users, f"POST /users HTTP/1.1\r\n{fields}\r\n\r\n".encode())
    assert refused == status
    assert list(answer) == ["error"]


def test_an_address_that_is_too_long_is_414(users: httpx.Client) -> None:
    assert_error(users.get("/users", params={"name": "x" * 9000}), 414)


def test_a_client_cannot_set_script_name(users: httpx.Client) -> None:
    request = b"GET /users?page_size=1 HTTP/1.1\r\nHost: localhost\r\nSCRIPT_NAME: /x\r\n\r\n"
    assert send(users, request)[0] == 200


def test_a_malformed_rest_of_a_body_gets_no_second_answer(users: httpx.Client) -> None:
    address = urlsplit(str(users.base_url))
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(
            b"POST /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"
        )
        answers = connection.makefile("rb").read()
    assert answers.count(b"HTTP/1.1 ") == 1
    assert answers.startswith(b"HTTP/1.1 405")


def send(client: httpx.Client, request_bytes: bytes) -> tuple[int, Any]:
    """Send raw bytes, and return the answer's status and JSON."""
    address = urlsplit(str(client.base_url))
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(request_bytes)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, json.loads(response.read())


@pytest.mark.parametrize(
    "framing", ["Content-Length: 100\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n50\r\n"]
)
def test_a_truncated_body_saves_nothing(
    services: Services, users: httpx.Client, name: str, framing: str
) -> None:
    address = urlsplit(str(users.base_url))
    form = "Content-Type: application/x-www-form-urlencoded"
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(f"POST /users HTTP/1.1\r\nHost: localhost\r\n{form}\r\n".encode())
        connection.sendall(f"{framing}name={name.replace(' ', '')}".encode())
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").read()
    if services.state or answer:  # A proxy in between, such as kubectl, may close both connections.
        assert answer.startswith(b"HTTP/1.1 400")
    assert users.get("/users", params={"name": name.replace(" ", "")}).json() == []
