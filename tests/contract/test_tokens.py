"""Both services with bearer tokens switched on, and a key server on this machine."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from tests.conftest import Services, bare_environment, run_front_script

ISSUER, AUDIENCE = "https://issuer.example.com", "random"
KEY = ec.generate_private_key(ec.SECP256R1())
ALL = "users:read users:write numbers:read numbers:write"


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Both services, which take tokens that are signed with KEY."""
    folder = tmp_path_factory.mktemp("tokens")
    keys = folder / "keys.json"
    public = {**ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "one"}
    keys.write_text(json.dumps({"keys": [public]}))
    environment = {
        **bare_environment(folder / "state"),
        "AUTH_JWKS_FILE": str(keys),
        "AUTH_ISSUER": ISSUER,
        "AUTH_AUDIENCE": AUDIENCE,
        "AUTH_USER_CLAIM": "preferred_username",
    }
    started = run_front_script(environment, "up", "--detach")
    assert started.returncode == 0, started.stderr
    yield Services(
        f"http://127.0.0.1:{environment['USERS_PORT']}",
        f"http://127.0.0.1:{environment['NUMBERS_PORT']}",
        Path(environment["STATE_DIR"]),
        environment,
    )
    ended = run_front_script(environment, "down", "--purge", "--yes")
    assert ended.returncode == 0, ended.stderr


def headers(scope: str = ALL, user: str = "ankur", **more: Any) -> dict[str, str]:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 600, "sub": f"id of {user}"}
    claims |= {"scope": scope, "preferred_username": user, **more}
    token = jwt.encode(claims, KEY, "ES256", {"kid": "one"})
    return {"Authorization": f"Bearer {token}"}


CALLS = [
    ("GET", "users", "/users"),
    ("GET", "users", "/users?page_size=1"),
    ("POST", "users", "/users"),
    ("GET", "users", "/users/1"),
    ("OPTIONS", "users", "/users"),
    ("GET", "numbers", "/get-saved-numbers"),
    ("HEAD", "numbers", "/get-saved-numbers"),
    ("POST", "numbers", "/generate-random-number"),
]


@pytest.mark.parametrize(("method", "service", "path"), CALLS)
@pytest.mark.parametrize("accept", ["*/*", "text/html"])
def test_nothing_is_answered_without_a_valid_token(
    services: Services, method: str, service: str, path: str, accept: str
) -> None:
    url = getattr(services, service) + path
    body = {"json": {"name": "ankur", "user": "ankur"}} if method == "POST" else {}
    refused = httpx.request(method, url, headers={"Accept": accept}, **body)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    expired = headers(exp=time.time() - 3600)
    assert httpx.request(method, url, headers=expired, **body).status_code == 401
    unscoped = httpx.request(method, url, headers=headers(scope=""), **body)
    assert unscoped.status_code == 403
    assert "insufficient_scope" in unscoped.headers["WWW-Authenticate"]


def test_what_people_and_machines_need_first_stays_public(services: Services) -> None:
    for base in (services.users, services.numbers):
        for path in ("/", "/docs", "/schema", "/livez", "/readyz", "/metrics", "/admin/login/"):
            assert httpx.get(base + path).status_code == 200, path


def test_with_tokens_the_calls_work(services: Services, name: str) -> None:
    mine = headers(user=name)
    with (
        httpx.Client(base_url=services.users, headers=mine) as users,
        httpx.Client(base_url=services.numbers, headers=mine) as numbers,
    ):
        created = users.post("/users", json={"name": name})
        assert created.status_code == 201
        assert users.get(created.headers["Location"]).json()["name"] == name
        assert users.get("/users", params={"name": name}).json() == [created.json()]
        drawn = numbers.post("/generate-random-number", json={"user": name})
        assert drawn.status_code == 201
        saved = numbers.get("/get-saved-numbers", params={"user": name}).json()["savedNumbers"]
        assert [row["id"] for row in saved] == [drawn.json()["id"]]


def test_nobody_draws_in_the_name_of_another(services: Services, name: str) -> None:
    httpx.post(f"{services.users}/users", json={"name": name}, headers=headers())
    url = f"{services.numbers}/generate-random-number"
    for body in ({"user": name}, {"user": name, "count": 3}, {"user": f" {name} "}):
        refused = httpx.post(url, json=body, headers=headers(user="bela"))
        assert refused.status_code == 403
        assert "another user" in refused.json()["error"]
    saved = httpx.get(
        f"{services.numbers}/get-saved-numbers", params={"user": name}, headers=headers()
    )
    assert saved.json() == {"savedNumbers": []}


def test_each_client_has_idempotency_keys_of_its_own(services: Services, name: str) -> None:
    httpx.post(f"{services.users}/users", json={"name": name}, headers=headers())
    url = f"{services.numbers}/generate-random-number"
    answers = [
        httpx.post(
            url,
            json={"user": name},
            headers={**headers(user=name, sub=subject), "Idempotency-Key": "one"},
        )
        for subject in ("first", "first", "second")
    ]
    assert {answer.status_code for answer in answers} == {201}
    assert answers[0].content == answers[1].content != answers[2].content


def test_openapi_describes_the_tokens(services: Services) -> None:
    for base in (services.users, services.numbers):
        document = httpx.get(f"{base}/schema?format=json").json()
        assert document["components"]["securitySchemes"] == {
            "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
        }
        for path in document["paths"].values():
            for operation in path.values():
                assert operation["security"] == [{"bearer": []}]
                assert {"401", "403"} <= operation["responses"].keys()
