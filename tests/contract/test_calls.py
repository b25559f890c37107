"""The calls that every client makes, over HTTP."""

import json
import socket
import subprocess
import uuid
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conftest import Services, wait_for


def test_the_four_curl_commands_of_the_contract_work(services: Services) -> None:
    def curl(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["curl", "--silent", "--noproxy", "*", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True)

    as_json = ["--header", "Content-Type: application/json", "--data"]
    post = ["--request", "POST", "--url"]
    created = curl(*post, f"{services.users}/users", *as_json, '{"name":"ankur"}')
    assert '"name":"ankur"' in created.stdout or "is taken" in created.stdout
    assert '"ankur"' in curl("--request", "GET", "--url", f"{services.users}/users").stdout
    url = f"{services.numbers}/generate-random-number"
    drawn = curl(*post, url, *as_json, '{"user":"ankur"}').stdout
    assert '"randomNumber":' in drawn
    saved = curl("--request", "GET", "--url", f"{services.numbers}/get-saved-numbers").stdout
    assert saved.startswith('{"savedNumbers":[{')


def test_a_user_is_registered_and_found(users: httpx.Client, name: str) -> None:
    created = users.post("/users", json={"name": name})
    assert created.status_code == 201
    location = created.headers["Location"]
    assert location == f"/users/{created.json()['id']}"
    assert (
        users.get(location).json() == created.json() == {"id": created.json()["id"], "name": name}
    )
    assert users.get("/users", params={"name": name}).json() == [created.json()]
    assert created.json() in users.get("/users").json()


def test_a_number_is_drawn_and_found(numbers: httpx.Client, user: str) -> None:
    response = numbers.post("/generate-random-number", json={"user": user, "limit": 6})
    assert response.status_code == 201
    drawn = response.json()
    assert set(drawn) == {"id", "user", "limit", "randomNumber", "createdAt"}
    assert 0 <= drawn["randomNumber"] <= 6
    saved = {
        "id": drawn["id"],
        "username": user,
        "number": drawn["randomNumber"],
        "limit": 6,
        "createdAt": drawn["createdAt"],
    }
    params = {"user": user}
    assert numbers.get("/get-saved-numbers", params=params).json() == {"savedNumbers": [saved]}
    assert saved in numbers.get("/get-saved-numbers").json()["savedNumbers"]


@pytest.mark.parametrize(
    "path", ["/users/", "/docs/", "/schema/", "/livez/", "/readyz/", "/metrics/"]
)
def test_a_trailing_slash_is_served_without_a_redirect(users: httpx.Client, path: str) -> None:
    assert users.get(path).status_code == 200


def test_a_chunked_body_is_accepted(users: httpx.Client, name: str) -> None:
    headers = {"Content-Type": "application/json"}
    chunks = iter([b'{"name":', f'"{name}"}}'.encode()])
    response = users.post("/users", content=chunks, headers=headers)
    assert "Content-Length" not in response.request.headers
    assert response.json()["name"] == name


def test_every_answer_has_the_id_of_its_request(users: httpx.Client) -> None:
    for path in ("/users", "/nothing", "/livez"):
        assert users.get(path, headers={"X-Request-ID": "abc"}).headers["X-Request-ID"] == "abc"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_the_probes_answer_any_host(numbers: httpx.Client, path: str) -> None:
    assert numbers.get(path, headers={"Host": "10.0.0.7"}).status_code == 200


@pytest.mark.parametrize("path", ["/users", "/readyz", "/schema", "/metrics"])
def test_head_returns_the_headers_of_get_without_a_body(users: httpx.Client, path: str) -> None:
    head, get = users.head(path), users.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Type"] == get.headers["Content-Type"]
    assert head.headers.get("Content-Length") in (None, get.headers.get("Content-Length"))


def test_each_request_has_a_line_in_the_access_log(services: Services, users: httpx.Client) -> None:
    if services.state is None:
        pytest.skip("needs the services' logs, but USERS_URL names services elsewhere")
    request_id = str(uuid.uuid4())
    users.get("/users/0?secret=1", headers={"X-Request-ID": request_id})
    log = services.state / "logs" / "users.log"
    wait_for(lambda: request_id in log.read_text(), 10)  # The line is written after the answer.
    (line,) = (json.loads(line) for line in log.read_text().splitlines() if request_id in line)
    assert line["milliseconds"] > 0
    assert {key: line[key] for key in ("method", "path", "status", "request_id")} == {
        "method": "GET",
        "path": "/users/0",
        "status": 404,
        "request_id": request_id,
    }
    assert "secret" not in json.dumps(line)


def test_connections_to_postgresql_are_reused(services: Services, user: str, superuser) -> None:
    query = "SELECT pid FROM pg_stat_activity WHERE usename = 'numbers_service'"
    for _ in range(20):
        httpx.post(f"{services.numbers}/generate-random-number", json={"user": user})
    superuser.execute(query)
    before = set(superuser.fetchall())
    for _ in range(20):
        httpx.post(f"{services.numbers}/generate-random-number", json={"user": user})
    superuser.execute(query)
    assert before <= set(superuser.fetchall())
    assert len(before) <= 8


def test_a_malformed_request_is_not_logged_with_the_id_of_another_one(
    services: Services, users: httpx.Client
) -> None:
    if services.state is None:
        pytest.skip("needs the services' logs, but USERS_URL names services elsewhere")
    for _ in range(40):  # enough for each process to get some
        users.get("/livez", headers={"X-Request-ID": "another-request"})
    address = urlsplit(services.users)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n")
        assert b"400" in connection.makefile("rb").readline()
    log = (services.state / "logs" / "users.log").read_text().splitlines()
    line = json.loads([line for line in log if "A request was refused" in line][-1])
    assert line["request_id"] is None
