"""Log lines: JSON in ASCII, whatever they are about, with the client's address."""

import json
import logging
import re
import subprocess
import sys
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client, override_settings
from rest_framework.test import APIRequestFactory

from common.api import tokens
from common.api.environ import USER
from common.env import networks
from common.observability import clients, request_ids
from common.observability.logs import JSONFormatter, json_line
from tests.conftest import ROOT

PROXIES = "10.0.0.0/8, fd00::/8"
SCRIPT = """
import warnings, gevent
from gunicorn.config import Config
from common.serving.logging import HubErrors, JSONLogger
gevent.get_hub().print_exception = HubErrors()
log = JSONLogger(Config())
log.error("two\\nlines")
warnings.warn("two\\nlines")
gevent.spawn(lambda: 1 / 0).join()
"""


def test_a_log_line_is_valid_json_whatever_its_message() -> None:
    request_ids.current.set("abc")
    record = logging.LogRecord("a", logging.INFO, "p", 1, 'line\n"two" \\ %s', ("é",), None)
    line = JSONFormatter().format(record)
    assert "\n" not in line
    assert json.loads(line)["message"] == 'line\n"two" \\ é'
    assert json.loads(line)["request_id"] == "abc"
    request_ids.current.set(None)


@pytest.mark.parametrize("text", ["\x1b[2J\x7f", "\x9b", "\u2028\u2029", "\u202e", "\ud800", "é"])
def test_a_log_line_is_printable_ascii(text: str) -> None:
    line = json_line(0, "INFO", "a", text, path=text)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["path"] == text


def test_a_traceback_is_part_of_its_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = logging.LogRecord("a", logging.ERROR, "p", 1, "m", (), sys.exc_info())
    line = JSONFormatter().format(record)
    assert len(line.splitlines()) == 1
    assert "two\nlines" in json.loads(line)["exception"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO users_user (name) VALUES ('ankur'), ('ankur')",
        "SELECT nothing FROM (VALUES ('ankur')) names",
        "DO $$ BEGIN EXECUTE 'SELECT nothing, ''ankur'''; END $$",
    ],
)
def test_a_traceback_has_no_values_of_statements_and_rows(statement: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError:
        record = logging.LogRecord("a", logging.ERROR, "p", 1, "m", (), sys.exc_info())
    exception = json.loads(JSONFormatter().format(record))["exception"]
    assert "ankur" not in exception
    # The rest is whole: the error of psycopg2, and that of Django which it caused.
    assert exception.count("Traceback") == 2
    assert len(re.findall('"user_name_unique"|column "nothing" does not exist', exception)) == 2


def test_gunicorns_lines_warnings_and_tracebacks_are_json_before_django_is_set_up() -> None:
    command = [sys.executable, "-W", "always", "-c", SCRIPT]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    names = [line["logger"] for line in lines]
    assert names[0] == "gunicorn.error"
    assert "py.warnings" in names
    assert "ZeroDivisionError" in lines[-1]["exception"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", "198.51.100.1", "192.0.2.1"),  # no proxy of ours: its header is made up
        ("10.1.1.1", "", "10.1.1.1"),
        ("10.1.1.1", "198.51.100.1", "198.51.100.1"),
        ("10.1.1.1", "made-up, 198.51.100.1", "198.51.100.1"),
        ("10.1.1.1", "203.0.113.9, 198.51.100.1,10.2.2.2", "198.51.100.1"),
        ("10.1.1.1", "10.3.3.3, 10.2.2.2", "10.3.3.3"),
        ("10.1.1.1", "198.51.100.1, unknown", "10.1.1.1"),
        ("10.1.1.1", "<script>", "10.1.1.1"),
        ("::ffff:10.1.1.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
        ("", "198.51.100.1", ""),
    ],
)
def test_the_client_is_the_last_address_that_is_no_trusted_proxy(
    monkeypatch: Any, peer: str, forwarded: str, client: str
) -> None:
    monkeypatch.setenv("X", PROXIES)
    clients.is_trusted.cache_clear()
    with override_settings(TRUSTED_PROXIES=networks("X")):
        environ = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}
        assert clients.client_address(environ) == client
    clients.is_trusted.cache_clear()


def test_nobody_is_trusted_by_default() -> None:
    environ = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "198.51.100.1"}
    assert clients.client_address(environ) == "127.0.0.1"


def test_the_access_log_gets_the_id_of_an_account(client: Client, admin_user: Any) -> None:
    client.force_login(admin_user)
    request = client.get("/admin/").wsgi_request
    assert request.META[USER] == admin_user.pk
    assert USER not in client.get("/").wsgi_request.META


def test_the_access_log_gets_the_subject_of_a_token(monkeypatch: Any) -> None:
    monkeypatch.setattr(tokens, "verify", lambda token: {"sub": "client-1"})
    request: Any = APIRequestFactory().get("/users", headers={"Authorization": "Bearer t"})
    tokens.TokenAuthentication().authenticate(request)
    assert request.META[USER] == "client-1"
