"""What happens to every request: its id, its size, its Host, its errors."""

import json
import logging

import pytest
from django.db import OperationalError
from django.test import Client, override_settings

from common.database.errors import PoolTimeout
from common.observability import request_ids
from common.observability.logs import JSONFormatter
from users_project.users.models import User


def test_a_request_id_is_taken_over(client: Client) -> None:
    response = client.get("/livez", headers={"X-Request-ID": "abc-123"})
    assert response.headers["X-Request-ID"] == "abc-123"


@pytest.mark.parametrize("given", ["", "with space", "x" * 129, "nön-ascii"])
def test_a_request_id_is_made_where_none_is_fit(client: Client, given: str) -> None:
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


def test_a_browser_gets_a_page_for_an_error(client: Client) -> None:
    response = client.get("/nothing<b>", headers={"Accept": "text/html"})
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")
    assert "There is nothing here." in response.content.decode()


def test_an_unknown_host_is_refused_in_our_shape(client: Client) -> None:
    response = client.get("/users", headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert "Host" in response.json()["error"]


def test_an_accept_header_that_nobody_can_serve_is_answered_with_json(client: Client) -> None:
    response = client.get("/", headers={"Accept": "image/png"})
    assert response.headers["Content-Type"] == "application/json"


def test_utf_8_may_be_named(client: Client, db: None) -> None:
    content_type = "application/json; charset=UTF-8"
    response = client.post("/users", {"name": "ankur"}, content_type=content_type)
    assert response.status_code == 201


def test_a_database_that_is_away_is_503(client: Client, monkeypatch) -> None:
    def away(name: str) -> None:
        raise OperationalError("the network is gone")

    monkeypatch.setattr(User.objects, "register", away)
    response = client.post("/users", {"name": "ankur"}, content_type="application/json")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "2"
    assert "network" not in response.json()["error"]


def test_a_service_that_has_too_much_to_do_does_not_blame_the_database(
    client: Client, monkeypatch
) -> None:
    def busy(name: str) -> None:
        raise OperationalError from PoolTimeout()

    monkeypatch.setattr(User.objects, "register", busy)
    response = client.post("/users", {"name": "ankur"}, content_type="application/json")
    assert response.status_code == 503
    assert response.json()["error"].startswith("Too many requests wait")


def test_a_fault_of_ours_tells_nothing_of_itself(client: Client, monkeypatch) -> None:
    def broken(name: str) -> None:
        raise RuntimeError("the inside of the service")

    monkeypatch.setattr(User.objects, "register", broken)
    client.raise_request_exception = False
    response = client.post("/users", {"name": "ankur"}, content_type="application/json")
    assert response.status_code == 500
    assert response.json() == {"error": "The service failed. Its log says why."}


def test_the_root_says_what_is_here(client: Client) -> None:
    links = client.get("/").json()
    assert list(links) == ["users", "docs", "schema", "admin"]
    assert links["users"] == "http://testserver/users"
    assert client.get("/?format=json").json() == links


def test_a_form_of_too_many_fields_is_refused(client: Client, db: None, caplog) -> None:
    form = "&".join(f"field{number}=1" for number in range(1001))
    response = client.post("/users", form, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 400
    assert "body" in response.json()["error"]
    assert not caplog.records


@override_settings(
    SECURE_SSL_REDIRECT=True, SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")
)
def test_a_gateway_that_ends_tls_is_not_redirected(client: Client) -> None:
    assert client.get("/", headers={"X-Forwarded-Proto": "https"}).status_code == 200


@override_settings(SECURE_SSL_REDIRECT=True)
def test_http_is_redirected_where_tls_is_on_but_for_probes(client: Client) -> None:
    assert client.get("/users").headers["Location"] == "https://testserver/users"
    assert client.get("/livez").status_code == 200


def test_a_log_line_is_json_whatever_it_holds() -> None:
    request_ids.current.set("abc")
    record = logging.LogRecord("a", logging.INFO, "p", 1, 'line\n"two" \\ %s', ("é",), None)
    line = JSONFormatter().format(record)
    assert "\n" not in line
    assert json.loads(line)["message"] == 'line\n"two" \\ é'
    assert json.loads(line)["request_id"] == "abc"
    request_ids.current.set(None)


@pytest.mark.parametrize("body", [b"name=%ed%a0%80", b"name=%ff", b"name=\xff"])
def test_a_form_that_is_not_utf_8_is_refused(client: Client, body: bytes) -> None:
    response = client.post("/users", body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 400
    assert response.json() == {"error": "The form is not UTF-8."}


@pytest.mark.parametrize("body", ["{", "[1]", '{"name": "\\ud800"}', '{"name": 5}'])
def test_a_browser_gets_a_page_for_a_bad_body(client: Client, body: str) -> None:
    accept = {"Accept": "text/html"}
    response = client.post("/users", body, content_type="application/json", headers=accept)
    assert response.status_code == 400
    assert "<html" in response.content.decode()


@pytest.mark.parametrize("path", ["/docs", "/schema"])
@pytest.mark.parametrize("method", ["put", "options"])
def test_the_documents_are_for_reading(client: Client, path: str, method: str) -> None:
    response = getattr(client, method)(path)
    assert response.status_code == 405
    assert response.json()["error"].endswith("Use one of: GET, HEAD.")
    assert response.headers["Allow"] == "GET, HEAD"


def test_a_form_of_the_admin_without_its_token_is_refused_in_our_shape() -> None:
    response = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "admin"})
    assert response.status_code == 403
    assert "send it again" in response.json()["error"]
