"""Requests to a service: many at once by wrk, or one at a time."""

import json
import subprocess
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.load.database import Wrong

SCRIPT = Path(__file__).with_name("load.lua")
BLOCK = 256 * 1024  # bytes
LONGEST = 30  # seconds; a load in which nothing was answered is repeated for three times as long


@dataclass
class Load:
    """What wrk saw."""

    requests: int
    seconds: float
    size: float  # bytes of an answer
    median: float  # milliseconds
    p99: float  # milliseconds
    answers: list[dict[str, Any]]
    cpu: float = 0.0  # microseconds of the service for each request

    @property
    def rate(self) -> float:
        """Return requests per second."""
        return self.requests / self.seconds


def wrk(
    url: str,
    connections: int,
    seconds: int,
    body: str = "",
    answers: Path | None = None,
    number: int = 0,
    may_fail: bool = False,
    key: str = "",
) -> Load:
    """Send a GET, or a POST where there is a body, over and over; raise Wrong for a bad answer.

    Where requests may fail, those that do are left out.
    A * in the URL, the body or the Idempotency-Key becomes another number each time, the first
    after `number`.
    `answers` is a file for the answers' bodies.
    """
    kind = ["POST", "201"] if body else ["GET", "200"]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s"]
    header = ["--header", f"Idempotency-Key: {key}"] if key else []
    arguments = [*kind, str(number), body, *([str(answers)] if answers else [])]
    result = subprocess.run(
        [*command, *header, "-s", str(SCRIPT), url, "--", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    figures = [int(word) for word in result.stdout.splitlines()[-1].split()]
    requests, microseconds, size, median, p99, unexpected = figures
    if may_fail:
        requests, unexpected = requests - unexpected, 0
    if not requests + unexpected:
        if seconds > LONGEST:
            raise Wrong(f"{url}: nothing was answered in {seconds} seconds.")
        return wrk(url, connections, 3 * seconds, body, answers, number, may_fail, key)
    if unexpected:
        raise Wrong(f"{url}: {unexpected} of {requests} requests failed.\n{result.stdout}")
    kept = [json.loads(line) for line in answers.read_text().splitlines()] if answers else []
    return Load(requests, microseconds / 1e6, size / requests, median / 1000, p99 / 1000, kept)


class Client:
    """One connection to a service, that is kept where the service keeps it."""

    def __init__(self, url: str) -> None:
        self.connection = HTTPConnection(urlsplit(url).netloc, timeout=300)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Return what a POST answers."""
        headers = {"Content-Type": "application/json"}
        self.connection.request("POST", path, json.dumps(body), headers)
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        if response.status != 201:
            raise Wrong(f"{path}: {response.status} {answer}")
        return answer

    def get(self, path: str) -> Any:
        """Return what a GET answers."""
        self.connection.request("GET", path)
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        if response.status != 200:
            raise Wrong(f"{path}: {response.status} {answer}")
        return answer

    def first_row(self, path: str) -> float:
        """Return the milliseconds until a list's first row is whole; the rest is read as well."""
        self.connection.close()
        self.connection.connect()
        start = time.perf_counter()
        self.connection.request("GET", path)
        response = self.connection.getresponse()
        seen = response.read1(BLOCK)
        while b"}" not in seen:
            block = response.read1(BLOCK)
            if not block:
                raise Wrong(f"{path} has no rows.")
            seen += block
        milliseconds = (time.perf_counter() - start) * 1000
        while response.read1(BLOCK):
            pass
        return milliseconds
