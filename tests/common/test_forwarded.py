"""What a gateway may not reach unless EXPOSE_INTERNAL_PATHS is true."""

from typing import Any

import pytest
from django.test import Client, override_settings

INTERNAL = [
    "/admin",
    "/admin/",
    "/admin/login/",
    "/admin/users/user/",
    "/livez",
    "/livez/",
    "/readyz",
    "/metrics",
    "/metrics/",
]
FORWARDED = [
    {"X-Forwarded-For": "198.51.100.1"},
    {"X-Forwarded-Host": "api.example.com"},
    {"Forwarded": "for=198.51.100.1"},
    {"X-Real-IP": "198.51.100.1"},
    {"Via": "1.1 gateway"},
    {"X-Forwarded-For": ""},
]


@pytest.mark.parametrize("path", INTERNAL)
@pytest.mark.parametrize("headers", FORWARDED)
def test_a_gateway_finds_nothing_there(client: Client, path: str, headers: dict[str, str]) -> None:
    for method in (client.get, client.head, client.post):
        response = method(path, headers=headers)
        assert response.status_code == 404
    assert client.get(path, headers=headers).json() == client.get("/nothing").json()


@pytest.mark.parametrize("path", INTERNAL)
def test_it_is_there_for_others_and_where_it_is_exposed(
    client: Client, db: None, path: str
) -> None:
    assert client.get(path).status_code < 400
    with override_settings(EXPOSE_INTERNAL_PATHS=True):
        assert client.get(path, headers=FORWARDED[0]).status_code < 400


@pytest.mark.parametrize("headers", FORWARDED)
def test_a_gateway_reaches_the_api_which_does_not_link_to_the_admin(
    client: Client, db: None, headers: Any
) -> None:
    for path in ("/users", "/docs", "/schema"):
        assert client.get(path, headers=headers).status_code == 200
    assert "admin" in client.get("/").json()
    assert "admin" not in client.get("/", headers=headers).json()
    page = {"Accept": "text/html"}
    assert "/admin/" in client.get("/users", headers=page).content.decode()
    assert "/admin/" not in client.get("/users", headers={**page, **headers}).content.decode()
