"""Requests that are refused before any view: without TLS, of other websites, with a bad port."""

from typing import Any

import pytest
from django.test import Client, override_settings

HERE = "http://testserver"
SAME_SITE = {"Sec-Fetch-Site": "same-site"}
CROSS_SITE = {"Sec-Fetch-Site": "cross-site"}
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://testserver.evil.example"},
    {"Origin": "http://testserver:81"},
    {"Origin": "https://testserver"},
    CROSS_SITE,
    SAME_SITE,
    {"Sec-Fetch-Site": "anything"},
    {"Origin": HERE, **CROSS_SITE},
]
OWN = [
    {},
    {"Origin": HERE},
    {"Origin": HERE, "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
]
TRUSTED = ["https://api.example.com", "https://*.example.org", "https://[::1]:8443"]
UNSAFE = ["post", "put", "patch", "delete"]


def register(client: Client, headers: dict[str, str]) -> Any:
    return client.post("/users", {"name": "ankur"}, headers=headers)


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_form_of_another_website_is_refused(client: Client, headers: dict[str, str]) -> None:
    for path in ("/users", "/admin/login/", "/docs", "/nothing"):
        for method in UNSAFE:
            response = getattr(client, method)(path, headers=headers)
            assert response.status_code == 403
            assert "CSRF_TRUSTED_ORIGINS" in response.json()["error"]


@pytest.mark.parametrize("headers", FOREIGN)
def test_another_website_may_link_here(client: Client, headers: dict[str, str]) -> None:
    for method in (client.get, client.head, client.options):
        assert method("/", headers=headers).status_code == 200


@pytest.mark.parametrize("headers", OWN)
def test_programs_and_own_pages_may_post(client: Client, db: None, headers: Any) -> None:
    assert register(client, headers).status_code == 201


@pytest.mark.parametrize("origin", [TRUSTED[0], "https://a.example.org", TRUSTED[2]])
@override_settings(CSRF_TRUSTED_ORIGINS=TRUSTED)
def test_pages_of_trusted_origins_may_post(client: Client, db: None, origin: str) -> None:
    """As behind a gateway that has another name than the Host header that it sends."""
    assert register(client, {"Origin": origin, **SAME_SITE}).status_code == 201


@pytest.mark.parametrize(
    "origin", ["http://api.example.com", "https://example.org.evil", "https://1:8443"]
)
@override_settings(CSRF_TRUSTED_ORIGINS=TRUSTED)
def test_other_origins_stay_refused(client: Client, origin: str) -> None:
    assert register(client, {"Origin": origin}).status_code == 403


@override_settings(
    CSRF_TRUSTED_ORIGINS=TRUSTED,
    SECURE_SSL_REDIRECT=True,
    SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
)
def test_the_admin_and_the_pages_work_through_a_gateway(client: Client, db: None) -> None:
    headers = {
        "X-Forwarded-Proto": "https",
        "Origin": "https://api.example.com",
        "Sec-Fetch-Site": "same-origin",
        "Referer": "https://api.example.com/admin/login/",
    }
    client = Client(enforce_csrf_checks=True, headers=headers)
    token = client.get("/admin/login/").context["csrf_token"]
    form = {"username": "x", "password": "y", "csrfmiddlewaretoken": token}
    assert "correct" in client.post("/admin/login/", form).content.decode()
    assert client.post("/admin/login/", {**form, "csrfmiddlewaretoken": "z"}).status_code == 403
    assert register(client, headers).status_code == 201


@override_settings(SECURE_SSL_REDIRECT=True)
def test_what_only_reads_is_redirected_to_https(client: Client) -> None:
    for method in (client.get, client.head):
        response = method("/users?page_size=1")
        assert response.status_code == 301
        assert response.headers["Location"] == "https://testserver/users?page_size=1"
    assert client.get("/users", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("method", [*UNSAFE, "options"])
@override_settings(SECURE_SSL_REDIRECT=True)
def test_what_has_a_body_is_refused_without_tls(client: Client, method: str) -> None:
    response = getattr(client, method)("/users", {"name": "ankur"})
    assert response.status_code == 403
    assert "https://" in response.json()["error"]
    assert "Location" not in response.headers


@override_settings(SECURE_SSL_REDIRECT=True)
def test_probes_need_no_tls(client: Client) -> None:
    assert client.get("/livez").status_code == 200


@pytest.mark.parametrize("port", ["0", "65536", "99999", "9" * 5000, "²"])
def test_an_impossible_port_is_refused(client: Client, port: str) -> None:
    response = client.get("/", headers={"Host": f"localhost:{port}"})
    assert response.status_code == 400
    assert "Host" in response.json()["error"]


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "localhost:65535", "[::1]:8081"])
@override_settings(ALLOWED_HOSTS=["localhost", "[::1]"])
def test_a_possible_port_is_accepted(client: Client, host: str) -> None:
    links = client.get("/", headers={"Host": host}).json()
    assert links["docs"] == f"http://{host}/docs"


def test_an_answer_of_the_api_sets_and_needs_no_cookie(client: Client, db: None) -> None:
    client.cookies["users_session"] = "x"
    for path in ("/", "/users", "/docs", "/docs?script", "/schema", "/nothing"):
        response = client.get(path, headers={"Accept": "text/html"})
        assert not response.cookies
        assert "COOKIES" not in vars(response.wsgi_request)  # They are parsed when first used.


def test_the_admins_cookies_are_out_of_the_reach_of_scripts_and_sites(
    client: Client, admin_user: Any
) -> None:
    client.get("/admin/login/")
    client.post("/admin/login/", {"username": "admin", "password": "password"})
    assert {*client.cookies} == {"users_csrf", "users_session"}
    for cookie in client.cookies.values():
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert cookie["path"] == "/"
        assert not cookie["domain"]


def test_a_session_cookie_with_escapes_is_that_of_nobody(client: Client, db: None) -> None:
    for cookie in (r'"\000aaaaaaaa"', '"' + "\\" * 8000 + '"', r'"\"'):
        response = client.get("/admin/", headers={"Cookie": f"users_session={cookie}"})
        assert response.status_code == 302
        response = client.get("/admin/login/", headers={"Cookie": f"users_csrf={cookie}"})
        assert response.status_code == 200
