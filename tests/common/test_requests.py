"""Request ids, error answers, the root, redirects and log lines."""

import pytest
from django.db import OperationalError
from django.test import Client, override_settings

from common.database.errors import PoolTimeout
from users_project.users.models import User


def test_the_clients_request_id_is_accepted(client: Client) -> None:
    for given in ("abc-123", "A.b_c", "x" * 64):
        response = client.get("/livez", headers={"X-Request-ID": given})
        assert response.headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "with space", "x" * 65, "nön-ascii", "<script>", "a,b", "'"])
def test_a_missing_or_invalid_request_id_is_replaced(client: Client, given: str) -> None:
    ids = {client.get("/livez", headers={"X-Request-ID": given})["X-Request-ID"] for _ in "ab"}
    assert len(ids) == 2
    assert given not in ids


@pytest.mark.parametrize("path", ["/nothing", "/user", "/users/1/2", "/%00", "/admin/nothing"])
def test_an_unknown_path_is_not_found(client: Client, path: str) -> None:
    response = client.get(path)
    if path.startswith("/admin"):
        assert response.status_code == 302
    else:
        assert response.status_code == 404
        assert response.json()["error"].startswith("There is nothing here.")


def test_a_browser_gets_an_html_error_page(client: Client) -> None:
    response = client.get("/nothing<b>", headers={"Accept": "text/html"})
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")
    assert "There is nothing here." in response.content.decode()


def test_an_unknown_host_is_refused_as_json(client: Client) -> None:
    response = client.get("/users", headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert "Host" in response.json()["error"]


def test_an_unsupported_accept_header_is_answered_with_json(client: Client) -> None:
    response = client.get("/", headers={"Accept": "image/png"})
    assert response.headers["Content-Type"] == "application/json"


def test_the_charset_utf_8_is_accepted(client: Client, db: None) -> None:
    content_type = "application/json; charset=UTF-8"
    response = client.post("/users", {"name": "ankur"}, content_type=content_type)
    assert response.status_code == 201


def test_an_unavailable_database_is_503(client: Client, monkeypatch) -> None:
    def fail(name: str) -> None:
        raise OperationalError("the network is gone")

    monkeypatch.setattr(User.objects, "register", fail)
    response = client.post("/users", {"name": "ankur"}, content_type="application/json")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "2"
    assert "network" not in response.json()["error"]


def test_an_overload_is_not_reported_as_an_unavailable_database(
    client: Client, monkeypatch
) -> None:
    def time_out(name: str) -> None:
        raise OperationalError from PoolTimeout()

    monkeypatch.setattr(User.objects, "register", time_out)
    response = client.post("/users", {"name": "ankur"}, content_type="application/json")
    assert response.status_code == 503
    assert response.json()["error"].startswith("Too many requests are waiting")


def test_an_unhandled_exception_does_not_leak_its_message(client: Client, monkeypatch) -> None:
    def fail(name: str) -> None:
        raise RuntimeError("an internal detail")

    monkeypatch.setattr(User.objects, "register", fail)
    client.raise_request_exception = False
    response = client.post("/users", {"name": "ankur"}, content_type="application/json")
    assert response.status_code == 500
    assert response.json() == {"error": "The service failed. Its log says why."}


def test_the_root_links_to_every_endpoint(client: Client) -> None:
    links = client.get("/").json()
    assert list(links) == ["users", "docs", "schema", "admin"]
    assert links["users"] == "http://testserver/users"
    assert client.get("/?format=json").json() == links


def test_a_form_with_too_many_fields_is_refused(client: Client, db: None, caplog) -> None:
    form = "&".join(f"field{number}=1" for number in range(1001))
    response = client.post("/users", form, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 400
    assert "body" in response.json()["error"]
    assert not caplog.records


@override_settings(
    SECURE_SSL_REDIRECT=True, SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")
)
def test_a_request_from_a_gateway_that_terminates_tls_is_not_redirected(client: Client) -> None:
    assert client.get("/", headers={"X-Forwarded-Proto": "https"}).status_code == 200


@pytest.mark.parametrize("body", [b"name=%ed%a0%80", b"name=%ff", b"name=\xff"])
def test_a_form_that_is_not_utf_8_is_refused(client: Client, body: bytes) -> None:
    response = client.post("/users", body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 400
    assert response.json() == {"error": "The form is not UTF-8."}


@pytest.mark.parametrize("body", ["{", "[1]", '{"name": "\\ud800"}', '{"name": 5}'])
def test_a_browser_gets_an_html_page_for_a_bad_body(client: Client, body: str) -> None:
    accept = {"Accept": "text/html"}
    response = client.post("/users", body, content_type="application/json", headers=accept)
    assert response.status_code == 400
    assert "<html" in response.content.decode()


@pytest.mark.parametrize("path", ["/docs", "/schema"])
@pytest.mark.parametrize("method", ["put", "options"])
def test_the_documents_allow_only_get_and_head(client: Client, path: str, method: str) -> None:
    response = getattr(client, method)(path)
    assert response.status_code == 405
    assert response.json()["error"].endswith("Use one of: GET, HEAD.")
    assert response.headers["Allow"] == "GET, HEAD"


def test_an_admin_form_without_its_csrf_token_is_refused_as_json() -> None:
    response = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "admin"})
    assert response.status_code == 403
    assert "send it again" in response.json()["error"]
