"""compose.yaml and the Dockerfile, as far as they can be tried without an engine."""

import os
import re
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.services import SERVICES
from local_postgres import free_port
from tests.conftest import ROOT

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
FOLDERS = [service.name + kind for service in SERVICES for kind in ("", "-owner")]
SECRETS = ["admin/password", *(f"{folder}/database" for folder in FOLDERS)]
SECRETS += [f"{folder}/secret_key" for folder in FOLDERS]


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """The volumes for secrets, empty."""
    for name in SECRETS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
    return tmp_path


def draw(folder: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the container `secrets` on volumes that belong to this account."""
    _, _, script = CONTAINERS["secrets"]["command"]
    script = script.replace("/run/secrets", str(folder))
    owner = f"{os.getuid()}, {os.getgid()}"
    script = script.replace("10001, 999", owner).replace("0, 0", owner)
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, **options)


def test_secrets_are_drawn_once_and_only_for_those_who_read_them(secrets: Path) -> None:
    assert draw(secrets).returncode == 0
    drawn = {name: (secrets / name).read_text() for name in SECRETS}
    assert min(map(len, drawn.values())) > 50
    assert len(set(drawn.values())) == len(SECRETS)
    assert {(secrets / name).stat().st_mode & 0o777 for name in SECRETS} == {0o440}
    assert sum(path.is_file() for path in secrets.rglob("*")) == len(SECRETS)
    assert draw(secrets).returncode == 0
    assert {name: (secrets / name).read_text() for name in SECRETS} == drawn


def nothing_can_be_written() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def test_a_full_volume_leaves_no_empty_password(secrets: Path) -> None:
    assert draw(secrets, preexec_fn=nothing_can_be_written).returncode != 0
    assert not [name for name in SECRETS if (secrets / name).exists()]
    assert draw(secrets).returncode == 0
    assert all((secrets / name).stat().st_size for name in SECRETS)


def test_an_empty_password_is_drawn_again(secrets: Path) -> None:
    for name in SECRETS:
        (secrets / name).touch()
    assert draw(secrets).returncode == 0
    assert all((secrets / name).stat().st_size for name in SECRETS)


class Ready(BaseHTTPRequestHandler):
    """A service that answers its readiness probe with a status."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/readyz" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Ready) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("service", [service.name for service in SERVICES])
@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False), (404, False)])
def test_the_health_check_asks_the_service_and_no_proxy(
    server: HTTPServer, monkeypatch: pytest.MonkeyPatch, service: str, status: int, healthy: bool
) -> None:
    monkeypatch.setattr(Ready, "status", status)
    _, *command = CONTAINERS[service]["healthcheck"]["test"]
    script = command[-1].replace("8000", str(server.server_port))
    proxy = f"http://127.0.0.1:{free_port()}"
    environ = {"http_proxy": proxy, "HTTP_PROXY": proxy, "all_proxy": proxy}
    result = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True)
    assert (result.returncode == 0) == healthy


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_is_confined(name: str) -> None:
    container = CONTAINERS[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container.get("cap_add", []) == (["CHOWN"] if name == "secrets" else [])
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["mem_limit"]
    assert container["pids_limit"]
    assert all("size=" in folder for folder in container["tmpfs"])
    assert container.get("user") == {"secrets": "0:0", "database": "999:999"}.get(name)


def mounted(name: str) -> set[str]:
    """Return the volumes with secrets that a container mounts."""
    volumes = (volume.split(":")[0] for volume in CONTAINERS[name]["volumes"])
    return {volume for volume in volumes if volume.endswith("-secrets")}


@pytest.mark.parametrize("service", [service.name for service in SERVICES])
def test_only_migrations_and_provisioning_get_the_owners_password(service: str) -> None:
    assert mounted(service) == {f"{service}-secrets"}
    assert mounted(f"{service}-migrate") == {f"{service}-owner-secrets"}
    environ = CONTAINERS[f"{service}-migrate"]["environment"]
    assert environ["DB_USER"] == f"{service}_owner"
    readers = {name for name in CONTAINERS if f"{service}-owner-secrets" in mounted(name)}
    assert readers == {"secrets", "provision", f"{service}-migrate"}


def test_every_file_of_a_variable_is_in_a_volume_that_the_container_mounts() -> None:
    for container in CONTAINERS.values():
        folders = [volume.split(":")[1] for volume in container["volumes"]]
        for name, value in container.get("environment", {}).items():
            if name.endswith("_FILE"):
                folder, _, file = value.rpartition("/")
                assert folder in folders, name
                assert f"{folder.removeprefix('/run/secrets/')}/{file}" in SECRETS, name


def test_every_volume_is_declared() -> None:
    used = {
        volume.split(":")[0] for container in CONTAINERS.values() for volume in container["volumes"]
    }
    assert used == set(COMPOSE["volumes"])


def test_the_modes_of_the_checkout_do_not_reach_the_images() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    (_, source), *_ = re.findall(r"FROM (\S+) AS source\n(.*?)\n\n", dockerfile, re.DOTALL)
    assert "\nRUN chmod -R u=rwX,go=rX .\n" in f"{source}\n"
    _, images = dockerfile.split(" AS runtime\n")
    copied = re.findall("^COPY (.*)", images, re.MULTILINE)
    assert len(copied) == 2 + len(SERVICES)
    assert all(line.startswith("--from=") for line in copied)
