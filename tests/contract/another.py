"""One more process of a service under test, with other settings and limits."""

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from local_postgres import free_port
from tests.conftest import Services, wait_for


@dataclass
class Another:
    """A random number service of its own."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def another(
    services: Services,
    log: Path,
    files: int | None = None,
    host: str = "127.0.0.1",
    **settings: str,
) -> Iterator[Another]:
    """Start one more random number service, which may open `files` files, on the same database."""
    if services.state is None:
        pytest.skip("needs services on this machine, but USERS_URL names some elsewhere")
    first = Path("/proc", (services.state / "numbers.pid").read_text().split()[0])
    variables = (first / "environ").read_text().rstrip("\0").split("\0")
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            (first / "cmdline").read_text().rstrip("\0").split("\0"),
            cwd=(first / "cwd").readlink(),
            env={
                **dict(variable.split("=", 1) for variable in variables),
                "BIND": f"{host}:{port}",
                "WEB_CONCURRENCY": "1",
                **settings,
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=lambda: limit(files),
        )
    started = Another(f"http://127.0.0.1:{port}", process, log)
    try:
        wait_for(lambda: is_ready(started), 60)
        yield started
    finally:
        process.terminate()
        process.wait(60)


def limit(files: int | None) -> None:
    if files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))


def is_ready(service: Another) -> bool:
    assert service.process.poll() is None, service.log.read_text()
    try:
        return httpx.get(f"{service.url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def workers(service: Another) -> list[int]:
    """Return the ids of a service's worker processes."""
    children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
    return [int(one) for one in children.read_text().split()]
