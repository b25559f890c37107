"""The services' log files: what is in them, whatever clients send."""

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.conftest import Services, wait_for


def lines_of(services: Services, service: str) -> list[dict[str, Any]]:
    """Return a service's log lines; skip the test if the services do not run here."""
    if services.state is None:
        pytest.skip("needs the log files of services that the tests have started")
    text = (services.state / "logs" / f"{service}.log").read_bytes().decode("ascii")
    assert text.endswith("\n")
    return [json.loads(line) for line in text.split("\n")[:-1]]


def access_line(services: Services, response: httpx.Response) -> dict[str, Any]:
    """Wait for the line of an answer, and return it."""
    found: list[dict[str, Any]] = []

    def is_there() -> bool:
        request_id = response.headers["X-Request-ID"]
        lines = lines_of(services, "users")
        found[:] = [line for line in lines if line["request_id"] == request_id]
        return bool(found)

    wait_for(is_there, 30)
    return found[0]


@pytest.mark.parametrize("path", ["/ü", "/\u2028\u202e\x9b\x1b[2J", "/" + "x" * 5000, '/"\\'])
def test_a_line_names_the_client_and_a_bounded_path(
    services: Services, users: httpx.Client, path: str
) -> None:
    response = users.get(f"{quote(path)}?name=secret", headers={"X-Forwarded-For": "192.0.2.1"})
    line = access_line(services, response)
    assert line["client"] == "127.0.0.1"
    assert line["user"] is None
    assert line["path"] == path[:512]
    assert "secret" not in str(lines_of(services, "users"))


def test_every_line_since_the_start_is_json(services: Services, users: httpx.Client) -> None:
    users.get("/")
    for service in ("users", "numbers"):
        loggers = {line["logger"] for line in lines_of(services, service)}
        assert "gunicorn.error" in loggers
