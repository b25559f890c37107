"""The front script with a state folder whose files have been emptied, cut, or replaced."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import local_environments
from common.services import SERVICES
from local_postgres import LocalPostgres
from local_state import write
from tests.conftest import run_front_script
from tests.front_script.conftest import Environment, up

# Passwords and logs may have any text. Each of the others says something about the rest.
FILES_OF_RUNNING_SERVICES = [
    f"{service.name}.{kind}" for service in SERVICES for kind in ("pid", "port")
]


def replace_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def state_of(environment: Environment) -> Path:
    return Path(environment["STATE_DIR"])


@pytest.fixture
def stopped(environment: Environment) -> Iterator[list[Path]]:
    """The files of a state folder whose services were killed, without those of PostgreSQL."""
    up(environment)
    state = state_of(environment)
    running = {name: (state / name).read_text() for name in FILES_OF_RUNNING_SERVICES}
    run_front_script(environment, "down")
    for name, text in running.items():
        (state / name).write_text(text)
    files = [*state.glob("*"), *(state / "secrets").iterdir(), *(state / "logs").iterdir()]
    yield [file for file in files if file.is_file() and file.name != "postgres"]
    for path in files:
        if path.is_dir() and path.name not in ("secrets", "logs", "postgres"):
            path.rmdir()


def empty(file: Path) -> None:
    file.write_bytes(b"")


def cut(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def fill_with_text(file: Path) -> None:
    file.write_text("/tmp\n99999999999\n")


def fill_with_bytes(file: Path) -> None:
    file.write_bytes(b"\xff\x00" * 9)


@pytest.mark.parametrize("damage", [empty, cut, fill_with_text])
def test_what_is_damaged_is_made_anew(
    environment: Environment, stopped: list[Path], damage: Callable[[Path], None]
) -> None:
    assert {"postgres.port", "postgres_home", "admin_made_in", "users.pid", "users_db"} <= {
        file.name for file in stopped
    }
    for file in stopped:
        damage(file)
    up(environment)
    assert run_front_script(environment, "status").returncode == 0


@pytest.mark.parametrize("damage", [fill_with_bytes, replace_by_a_folder])
def test_what_cannot_be_read_is_made_anew_or_named(
    environment: Environment, stopped: list[Path], damage: Callable[[Path], None]
) -> None:
    before = {file: file.read_bytes() for file in stopped}
    for file in stopped:
        damage(file)
    while (result := run_front_script(environment, "up", "--detach")).returncode != 0:
        assert "Traceback" not in result.stderr
        named = [
            file for file in before if f"{file}:" in result.stderr or f"{file}'" in result.stderr
        ]
        assert named, result.stderr
        for file in named:
            if file.is_dir():
                file.rmdir()
            file.write_bytes(before.pop(file))
    assert run_front_script(environment, "down").returncode == 0


def test_the_port_of_a_running_service_can_be_lost(environment: Environment) -> None:
    up(environment)
    for service in SERVICES:
        empty(state_of(environment) / f"{service.name}.port")
    status = run_front_script(environment, "status")
    assert status.returncode == 0
    assert f"http://localhost:{environment['USERS_PORT']}" in status.stdout


def test_a_lost_password_of_the_superuser_is_named(
    environment: Environment, stopped: list[Path]
) -> None:
    password = state_of(environment) / "secrets" / "postgres"
    before = password.read_text()
    empty(password)
    result = run_front_script(environment, "up", "--detach")
    assert result.returncode == 1
    assert f"{password} is gone" in result.stderr
    password.write_text(before)
    up(environment)


STRANGERS = ("mine", "data/mine", "secrets/mine", "logs/mine", "postgres/mine", "other.pid")


def test_purge_leaves_what_is_not_its_own_whatever_its_files_say(environment: Environment) -> None:
    state = state_of(environment)
    for name in STRANGERS:
        (state / name).parent.mkdir(parents=True, exist_ok=True)
        (state / name).write_text("precious")
    run_front_script(environment, "check")
    for home in ("", "/tmp", str(state), "."):
        write(state / "postgres_home", home)
        result = run_front_script(environment, "down", "--purge", "--yes")
        assert result.returncode == 0, result.stderr
        assert "holds other files" in result.stdout
        assert sorted(path for path in state.rglob("*") if path.is_file()) == sorted(
            state / name for name in STRANGERS
        )
    for name in STRANGERS:
        (state / name).unlink()
    for name in ("data", "secrets", "logs", "postgres"):
        (state / name).rmdir()


def test_data_is_found_again_after_its_place_has_been_forgotten(
    environment: Environment, stopped: list[Path]
) -> None:
    home = LocalPostgres(state_of(environment)).home
    empty(state_of(environment) / "postgres_home")
    assert LocalPostgres(state_of(environment)).home == home
    assert (home / "data" / "PG_VERSION").is_file()


@pytest.mark.parametrize("content", ["", '{"paths": {', "[]", "{}", '{"paths": {}}'])
def test_a_list_of_static_files_that_is_not_whole_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    assert local_environments.are_collected()
    monkeypatch.setattr(local_environments, "STATIC_FILES", tmp_path)
    (tmp_path / "staticfiles.json").write_text(content)
    assert not local_environments.are_collected()
