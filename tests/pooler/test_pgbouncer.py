"""Both services behind PgBouncer in transaction mode, where statements change servers."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

import local_services
from common.services import SERVICES
from local_postgres import LocalPostgres, free_port, unprivileged_account
from local_services import LocalService
from local_state import StateFolder
from tests.conftest import Services, wait_for

CLIENTS = 8
REPEATS = 10
SETTINGS = """
[databases]
random = host=127.0.0.1 port={server} dbname=random
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/passwords
pool_mode = transaction
default_pool_size = 3
logfile = {folder}/log
"""


@pytest.fixture(scope="module")
def pooler(services: Services) -> Iterator[int]:
    """The port of a PgBouncer in front of the services' PostgreSQL."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("this machine has no PgBouncer")
    assert services.state
    port, server = free_port(), LocalPostgres(services.state).port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        passwords = [
            f'"{service.role}" "{secret(services.state, f"{service.name}_db")}"\n'
            for service in SERVICES
        ]
        (folder / "passwords").write_text("".join(passwords))
        (folder / "settings").write_text(SETTINGS.format(server=server, port=port, folder=folder))
        account = unprivileged_account() if os.geteuid() == 0 else None
        if account:  # PgBouncer does not run as root.
            shutil.chown(folder, account.pw_name)
        command = [program, "--quiet", str(folder / "settings")]
        with subprocess.Popen(command, user=account and account.pw_uid) as process:
            wait_for(lambda: not local_services.is_free(port) or process.poll(), 30)
            assert process.poll() is None
            yield port
            process.terminate()


@pytest.fixture(scope="module")
def pooled(
    services: Services, pooler: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The addresses of both services, which reach PostgreSQL through PgBouncer."""
    assert services.state
    state = StateFolder(tmp_path_factory.mktemp("pooled") / "state")
    state.make()
    environ = {
        **os.environ,
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(pooler),
        "DB_NAME": "random",
        **{f"{service.prefix}_PORT": str(free_port()) for service in SERVICES},
        **{
            f"{service.prefix}_DB_PASSWORD_FILE": str(services.state / f"secrets/{service.name}_db")
            for service in SERVICES
        },
    }
    started = []
    for service in SERVICES:
        key = str(services.state / "secrets" / f"{service.name}_secret_key")
        started.append(LocalService(service, state, {**environ, "SECRET_KEY_FILE": key}))
    try:
        for one in started:
            one.start()
        for one in started:
            one.wait_until_ready()
        yield {one.name: f"http://127.0.0.1:{one.port}" for one in started}
    finally:
        local_services.stop(started)


def secret(state: Path, name: str) -> str:
    return (state / "secrets" / name).read_text().strip()


def in_parallel(call: Callable[[], Any]) -> list[Any]:
    """Call many times at once, and return all results."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        return [run.result() for run in [pool.submit(call) for _ in range(CLIENTS * REPEATS)]]


@pytest.fixture(params=[service.name for service in SERVICES])
def admin(
    request: pytest.FixtureRequest, services: Services, pooled: dict[str, str]
) -> Iterator[httpx.Client]:
    """A client that has signed in to a service's admin."""
    with httpx.Client(base_url=pooled[request.param], timeout=60) as client:
        client.get("/admin/login/")
        (token,) = (value for name, value in client.cookies.items() if name.endswith("_csrf"))
        form = {"username": "admin", "password": services.admin_password}
        answer = client.post("/admin/login/", data={**form, "csrfmiddlewaretoken": token})
        assert answer.status_code == 302, answer.text
        yield client


def test_forms_with_long_choices_are_shown(admin: httpx.Client) -> None:
    """Django reads the choices of permissions with a cursor on the server, unless told not to."""
    path = "/admin/auth/group/add/"
    answers = in_parallel(lambda: admin.get(path))
    assert {answer.status_code for answer in answers} == {200}
    assert all("Can add group" in answer.text for answer in answers)


def test_numbers_are_drawn_and_listed(pooled: dict[str, str], name: str) -> None:
    with httpx.Client(timeout=60) as client:
        assert client.post(f"{pooled['users']}/users", json={"name": name}).status_code == 201

        def draw() -> tuple[int, int]:
            body = {"user": name, "limit": 6}
            drawn = client.post(f"{pooled['numbers']}/generate-random-number", json=body).json()
            keyed = client.post(
                f"{pooled['numbers']}/generate-random-number",
                json=body,
                headers={"Idempotency-Key": f"{name.replace(' ', '-')}-{drawn['id']}"},
            )
            return drawn["id"], keyed.json()["id"]

        drawn = [pk for pair in in_parallel(draw) for pk in pair]
        listed = f"{pooled['numbers']}/get-saved-numbers"
        lists = in_parallel(lambda: client.get(listed, params={"user": name}).json())
        assert client.get(f"{pooled['users']}/users", params={"name": name}).json()
    assert len(set(drawn)) == len(drawn)
    for one in lists:
        assert {row["id"] for row in one["savedNumbers"]} == set(drawn)
