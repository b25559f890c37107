"""local_services.py, with processes that are not quite the services."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import local_services
from common.services import SERVICES, Service
from local_postgres import free_port
from local_services import LocalService
from local_state import StateFolder

THIRD = Service("letters", "Letter service", port=8082)


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    state = StateFolder(tmp_path / "state")
    state.make()
    return state


@pytest.fixture
def service(state: StateFolder) -> LocalService:
    """The first of the services, stopped."""
    return LocalService(SERVICES[0], state, dict(os.environ))


@pytest.fixture
def bystander(service: LocalService) -> Iterator[subprocess.Popen[bytes]]:
    """A program that has the service's name on its command line, and is not gunicorn."""
    command = [sys.executable, "-c", "import time; time.sleep(600)", service.application]
    with subprocess.Popen(command) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("content", ["", "none", "0", "-1", f"{2**70}", f"{os.getpid()}"])
def test_a_pid_file_that_names_no_service_is_not_believed(
    service: LocalService, content: str
) -> None:
    service.pid_file.write_text(content)
    assert service.process_id() is None


def test_a_program_with_a_similar_command_line_is_not_stopped(
    service: LocalService, bystander: subprocess.Popen[bytes]
) -> None:
    service.pid_file.write_text(str(bystander.pid))
    assert not service.is_running()
    local_services.stop([service])
    assert bystander.poll() is None
    assert not service.pid_file.exists()


def test_a_service_that_cannot_start_is_named_with_the_end_of_its_log(
    state: StateFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    service = LocalService(THIRD, state, {**os.environ, "LETTERS_PORT": str(free_port())})
    service.start()
    with pytest.raises(SystemExit) as end:
        service.wait_until_ready()
    assert end.value.code == 1
    errors = capsys.readouterr().err
    assert "manage_all.sh: The letters service did not become ready" in errors
    assert "letters_project" in errors
    assert not service.is_running()
    local_services.stop([service])


def test_a_service_knows_its_own_password_and_no_other(state: StateFolder) -> None:
    environ = {
        "PATH": "/bin",
        "DB_ADMIN_USER": "postgres",
        "DB_ADMIN_PASSWORD": "admin's",
        **{f"{service.prefix}_DB_PASSWORD": service.name for service in SERVICES},
        **{f"{service.prefix}_DB_PASSWORD_FILE": "file" for service in SERVICES},
        **{f"{service.prefix}_OWNER_DB_PASSWORD": "owner's" for service in SERVICES},
    }
    for service in SERVICES:
        settings = LocalService(service, state, environ).server_settings()
        assert settings["DB_PASSWORD"] == service.name
        assert settings["DB_USER"] == service.role
        assert settings["BIND"] == f"127.0.0.1:{service.port}"
        assert settings["PATH"] == "/bin"
        assert not [name for name in settings if "DB_ADMIN" in name or "_DB_" in name]
        assert "owner's" not in settings.values()
        owner = LocalService(service, state, environ).owner_settings()
        assert (owner["DB_USER"], owner["DB_PASSWORD"]) == (service.owner_role, "owner's")


def test_secrets_come_from_the_state_folder_unless_the_user_names_others(
    state: StateFolder,
) -> None:
    own = LocalService(THIRD, state, {}).settings()
    assert own["DB_PASSWORD_FILE"] == str(state.secrets / "letters_db")
    assert own["SECRET_KEY_FILE"] == str(state.secrets / "letters_secret_key")
    chosen = {"LETTERS_DB_PASSWORD_FILE": "/a", "SECRET_KEY_FILE": "/b"}
    settings = LocalService(THIRD, state, chosen).settings()
    assert (settings["DB_PASSWORD_FILE"], settings["SECRET_KEY_FILE"]) == ("/a", "/b")
    owner = LocalService(THIRD, state, chosen)
    assert owner.owner_settings()["DB_PASSWORD_FILE"] == str(state.secrets / "letters_owner_db")
    assert owner.missing_passwords() == ["LETTERS_OWNER_DB_PASSWORD"]
