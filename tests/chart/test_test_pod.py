"""The scripts of the test pod and of the load pod, against a server whose first answers fail."""

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.chart.helm import CHART, ROOT

DRAWN = {"id": 7, "randomNumber": 4}


class Services(BaseHTTPRequestHandler):
    """Both services; each call fails once, as it does before a node admits the new pod."""

    def do_GET(self):
        rows = [{"id": DRAWN["id"], "number": DRAWN["randomNumber"]}]
        self.answer({"savedNumbers": rows} if "saved" in self.path else {"status": "ok"})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.names.append(body.get("name"))
        self.answer({"id": 1, "name": body["name"]} if "name" in body else DRAWN)

    def answer(self, body):
        path = self.path.split("?")[0]
        self.server.calls[path] += 1
        fails = self.server.fails(path, self.server.calls[path])
        success = self.server.success if path != "/readyz" else 200
        self.send_response(503 if fails else success)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *arguments):
        """Log nothing."""


@pytest.fixture
def services():
    with ThreadingHTTPServer(("127.0.0.1", 0), Services) as server:
        server.calls, server.names = Counter(), []
        server.success = 200
        server.fails = lambda path, number: number == 1
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def run(script, services, **variables):
    """Run a script with a proxy that refuses all connections."""
    address = f"http://127.0.0.1:{services.server_port}"
    proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy"), "http://127.0.0.1:1")
    urls = {"USERS_URL": address, "NUMBERS_URL": address, "NEEDS_TOKENS": "false"}
    environ = {**os.environ, **proxies, "no_proxy": "", **urls, **variables}
    command = [sys.executable, str(script)]
    return subprocess.run(command, env=environ, capture_output=True, text=True)


def test_each_call_of_the_test_pod_is_repeated(services):
    result = run(CHART / "files" / "test.py", services)
    assert result.returncode == 0, result.stderr
    assert "4 was drawn and saved" in result.stdout
    assert services.calls["/users"] == services.calls["/generate-random-number"] == 2
    assert services.calls["/get-saved-numbers"] == 2


def test_the_test_pod_does_not_ask_for_a_taken_name_again(services):
    run(CHART / "files" / "test.py", services)
    names = [name for name in services.names if name]
    assert len(names) == len(set(names)) == 2


def test_calls_without_a_token_have_to_be_refused(services):
    services.success = 401
    result = run(CHART / "files" / "test.py", services, NEEDS_TOKENS="true")
    assert result.returncode == 0, result.stderr
    assert services.calls["/users"] == 3  # POST, again, since the first call fails, and GET
    assert services.calls["/generate-random-number"] == services.calls["/get-saved-numbers"] == 2


def test_a_service_that_asks_for_no_token_is_named(services):
    result = run(CHART / "files" / "test.py", services, NEEDS_TOKENS="true")
    assert result.returncode == 1
    assert f"127.0.0.1:{services.server_port}/users asks for no token" in result.stderr


def test_the_load_starts_once_every_pod_answers(services):
    services.fails = lambda path, number: path == "/readyz" and number in (1, 20)
    result = run(ROOT / "tests" / "cluster" / "load.py", services, SECONDS="0.5")
    assert result.returncode == 0, result.stdout + result.stderr
    # Both services are asked here: 1 + 18 + 1 failed or were in vain, then forty times each.
    assert services.calls["/readyz"] >= 20 + 40 + 40


def test_a_failure_under_load_is_reported(services):
    services.fails = lambda path, number: path == "/get-saved-numbers" and number == 2
    result = run(ROOT / "tests" / "cluster" / "load.py", services, SECONDS="0.5")
    assert result.returncode == 1
    assert "503" in result.stdout
