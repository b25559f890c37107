"""The calls that every client makes, over real HTTP."""

import subprocess

import httpx
import pytest

from tests.conftest import Services


def test_the_four_lines_of_curl_work_as_they_stand(services: Services) -> None:
    def curl(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["curl", "--silent", "--noproxy", "*", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True)

    json = ["--header", "Content-Type: application/json", "--data"]
    post = ["--request", "POST", "--url"]
    created = curl(*post, f"{services.users}/users", *json, '{"name":"ankur"}')
    assert '"name":"ankur"' in created.stdout or "is taken" in created.stdout
    assert '"ankur"' in curl("--request", "GET", "--url", f"{services.users}/users").stdout
    url = f"{services.numbers}/generate-random-number"
    drawn = curl(*post, url, *json, '{"user":"ankur"}').stdout
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


@pytest.mark.parametrize("path", ["/users/", "/docs/", "/schema/", "/livez/", "/readyz/"])
def test_a_slash_at_the_end_is_served_without_a_redirect(users: httpx.Client, path: str) -> None:
    assert users.get(path).status_code == 200


def test_a_body_may_come_in_chunks(users: httpx.Client, name: str) -> None:
    headers = {"Content-Type": "application/json"}
    chunks = iter([b'{"name":', f'"{name}"}}'.encode()])
    response = users.post("/users", content=chunks, headers=headers)
    assert "Content-Length" not in response.request.headers
    assert response.json()["name"] == name


def test_every_answer_carries_the_requests_id(users: httpx.Client) -> None:
    for path in ("/users", "/nothing", "/livez"):
        assert users.get(path, headers={"X-Request-ID": "abc"}).headers["X-Request-ID"] == "abc"


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_the_probes_answer_any_host(numbers: httpx.Client, path: str) -> None:
    assert numbers.get(path, headers={"Host": "10.0.0.7"}).status_code == 200
