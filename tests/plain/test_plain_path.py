"""What the services do without common/fast and common/serving; the copy follows the docstring."""

import http.client
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from common.services import SERVICES
from tests.conftest import ROOT, wait_for
from tests.contract.test_errors import MALFORMED, UNREADABLE
from tests.plain import copies
from tests.plain.conftest import FORBIDDEN, Plain

CONTRACT = ROOT / "tests" / "contract"
# The contract's calls and errors, and what persistent connections have to survive.
PARTS = (
    "test_calls.py",
    "test_errors.py",
    "test_lists.py",
    "test_races.py",
    "test_schema.py",
    "test_outage.py::test_connections_lost_between_requests_are_replaced",
)
PAGE = "gunicorn answers what is not HTTP by an HTML page; below, that is tested not to be a 500"
WHOLE = "REST framework's mixin loads a list whole, so there is no stream that could break off"
LEFT_OUT = {
    "test_errors.py::test_a_malformed_request_is_never_500": PAGE,
    "test_errors.py::test_a_request_that_is_not_valid_http_is_refused_as_json": PAGE,
    "test_errors.py::test_an_address_that_is_too_long_is_414": PAGE,
    "test_lists.py::test_a_long_list_is_complete_and_takes_constant_memory": WHOLE,
    "test_lists.py::test_a_truncated_stream_is_not_valid_json": WHOLE,
    "test_lists.py::test_aborted_streams_release_their_connections": WHOLE,
}


@pytest.mark.parametrize("part", PARTS)
def test_the_contract_is_kept(plain: Plain, part: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"}
    environment |= {
        "USERS_URL": plain.users.url,
        "NUMBERS_URL": plain.numbers.url,
        "SUPERUSER_DSN": plain.superuser,
    }
    command = [sys.executable, "-m", "pytest", "-p", "no:django", "-p", "no:cacheprovider"]
    deselected = [f"--deselect=tests/contract/{name}" for name in LEFT_OUT]
    result = subprocess.run(
        [*command, *deselected, f"tests/contract/{part}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout
    assert " passed" in result.stdout


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_is_there(name: str) -> None:
    file, _, function = name.partition("::")
    assert f"\ndef {function}(" in (CONTRACT / file).read_text()


@pytest.mark.parametrize(
    "request_bytes",
    [
        *MALFORMED,
        *(f"POST /users HTTP/1.1\r\n{fields}\r\n\r\n".encode() for fields, _ in UNREADABLE),
        b"GET /users?name=" + b"x" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
)
def test_no_malformed_request_is_500(plain: Plain, request_bytes: bytes) -> None:
    address = urlsplit(plain.users.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(request_bytes)
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.status in (*range(200, 500), 501)


def test_a_database_that_is_away_is_503_until_it_is_back(plain: Plain, name: str) -> None:
    def register() -> httpx.Response:
        return httpx.post(f"{plain.users.url}/users", json={"name": name}, timeout=30)

    plain.postgres.stop()
    try:
        refused = [register() for _ in range(20)]
    finally:
        plain.postgres.start()
    assert {response.status_code for response in refused} == {503}
    assert all(response.headers["Retry-After"] for response in refused)
    wait_for(lambda: httpx.get(f"{plain.users.url}/readyz").status_code == 200, 10)
    assert [register().status_code for _ in range(20)] == [201, *[409] * 19]


def test_requests_to_all_processes_are_counted(plain: Plain) -> None:
    def count() -> float:
        families = text_string_to_metric_families(httpx.get(f"{plain.users.url}/metrics").text)
        samples = [sample for family in families for sample in family.samples]
        wanted = {"method": "DELETE", "view": "user-list", "status": "405"}
        return sum(
            sample.value
            for sample in samples
            if sample.name.endswith("_count") and wanted.items() <= sample.labels.items()
        )

    before = count()
    for _ in range(40):  # each with a connection of its own, which the kernel gives to some process
        assert httpx.delete(f"{plain.users.url}/users").status_code == 405
    assert {count() for _ in range(10)} == {before + 40}


def test_an_admin_signs_in_and_sees_styles(
    plain: Plain, without_gevent: dict[str, str], name: str
) -> None:
    (users, *_) = SERVICES
    password = {"DJANGO_SUPERUSER_PASSWORD": name}
    settings = copies.settings(plain.copy, plain.postgres.state, users)
    account = ["createsuperuser", "--noinput", "--username", name.split()[1], "--email", ""]
    copies.run(
        ["users_project/manage.py", *account],
        plain.copy,
        {**settings, **without_gevent, **password},
    )
    with httpx.Client(base_url=plain.users.url) as client:
        page = client.get("/admin/login/").text
        style = re.findall(r'href="(/static/admin/css/base\.\w+\.css)"', page)[0]
        assert client.get(style).headers["Content-Type"].startswith("text/css")
        form = {
            "csrfmiddlewaretoken": re.findall('csrfmiddlewaretoken" value="(.*?)"', page)[0],
            "username": name.split()[1],
            "password": name,
        }
        assert client.post("/admin/login/?next=/admin/", data=form).status_code == 302
        assert client.get("/admin/").status_code == 200


def test_gevent_is_not_needed(plain: Plain, without_gevent: dict[str, str]) -> None:
    for service in (plain.users, plain.numbers):
        for pid in service.family():
            maps = Path(f"/proc/{pid}/maps").read_text()
            assert "psycopg2" in maps
            assert not [name for name in FORBIDDEN if f"/{name}/" in maps]
    for name in FORBIDDEN:
        with pytest.raises(RuntimeError, match="The plain path needs no gevent"):
            copies.run(["-c", f"import {name}"], plain.copy, without_gevent)


def test_the_rules_for_imports_hold(plain: Plain) -> None:
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])"
    copies.run(["-c", lint], plain.copy, {})


@pytest.mark.parametrize("text", ["x = 1\n", "y = 1\n  y = 1\n"])
def test_a_step_that_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="values to unpack"):
        copies.exchange(text, ["- y = 1", "+ y = 2"])
