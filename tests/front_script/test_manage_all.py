"""manage_all.sh, as a newcomer uses it."""

import fcntl
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from time import monotonic

import httpx
import psycopg2
import pytest

from common.services import SERVICES
from tests.conftest import ROOT, bare_environment, run_front_script, wait_for
from tests.front_script.conftest import Environment, processes, up


def url(environment: Environment, service: str, path: str) -> str:
    return f"http://127.0.0.1:{environment[f'{service}_PORT']}{path}"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Environment, str]]:
    """Both services, started, and what the start printed."""
    environment = bare_environment(tmp_path_factory.mktemp("a folder") / "state")
    yield environment, up(environment).stdout
    assert run_front_script(environment, "down", "--purge", "--yes").returncode == 0


def test_up_prints_the_four_calls(running: tuple[Environment, str]) -> None:
    assert running[1].count("curl --request") == 4


def test_up_twice_changes_nothing(running: tuple[Environment, str]) -> None:
    before = sorted(processes(running[0]))
    elsewhere = {**running[0], "USERS_PORT": "1", "NUMBERS_PORT": "2"}
    again = up(elsewhere).stdout
    assert "password: " not in again
    assert again.count(f"http://localhost:{running[0]['USERS_PORT']}/users") == 2
    assert sorted(processes(running[0])) == before
    assert run_front_script(running[0], "status").returncode == 0


def test_secrets_are_private_and_in_no_log(running: tuple[Environment, str]) -> None:
    password = re.search(r"password: (\S+)", running[1])
    assert password
    folder = Path(running[0]["STATE_DIR"]) / "secrets"
    assert (folder / "admin").read_text().strip() == password[1]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    logs = "".join(path.read_text() for path in (folder.parent / "logs").iterdir())
    assert not any(file.read_text().strip() in logs for file in folder.iterdir())


def service_ids(environment: Environment) -> list[int]:
    """Return the first process of each service."""
    files = Path(environment["STATE_DIR"]).glob("*.pid")
    return [int(file.read_text()) for file in files]


def test_each_service_has_a_process_group_of_its_own(running: tuple[Environment, str]) -> None:
    ids = service_ids(running[0])
    assert len(ids) == len(SERVICES)
    assert [os.getpgid(pid) for pid in ids] == ids


def test_a_service_does_not_get_what_others_log_in_with(running: tuple[Environment, str]) -> None:
    roles = (f"{service.prefix}_(OWNER_)?DB" for service in SERVICES)
    theirs = "|".join(["DB_ADMIN", "owner", *roles])
    for pid in service_ids(running[0]):
        settings = Path(f"/proc/{pid}/environ").read_text()
        assert "DB_PASSWORD_FILE=" in settings
        assert not re.search(theirs, settings)


def test_who_may_do_what_is_shown_and_compared(running: tuple[Environment, str]) -> None:
    shown = run_front_script(running[0], "owners")
    assert shown.stdout == (ROOT / "common" / "owners.txt").read_text()
    compared = run_front_script(running[0], "owners", "--check")
    assert (compared.stdout, compared.stderr, compared.returncode) == ("", "", 0)


def test_a_word_of_one_service_is_for_that_only(running: tuple[Environment, str]) -> None:
    result = run_front_script(running[0], "prune_numbers", "--older-than", "1")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "--- numbers\n0 numbers were deleted.\n"


def test_migrate_runs_as_the_owner(running: tuple[Environment, str]) -> None:
    result = run_front_script(running[0], "migrate")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("No migrations to apply") == len(SERVICES)


def test_a_state_folder_from_before_there_were_owners_is_taken_over(
    environment: Environment,
) -> None:
    up(environment)
    users = url(environment, "USERS", "/users")
    assert httpx.post(users, json={"name": "ankur"}).status_code == 201
    as_superuser(
        environment,
        *(f"REASSIGN OWNED BY {one.owner_role} TO {one.role}" for one in SERVICES),
        *(f"DROP OWNED BY {one.owner_role}; DROP ROLE {one.owner_role}" for one in SERVICES),
        # The migrations that there were not either.
        *(f"DELETE FROM {one.name}.django_migrations WHERE app = 'common'" for one in SERVICES),
        "DELETE FROM numbers.django_migrations WHERE name LIKE '%append_only'",
    )
    for file in (Path(environment["STATE_DIR"]) / "secrets").glob("*_owner_db"):
        file.unlink()
    assert "users_service owner" in owners_difference(environment)
    up(environment)
    assert owners_difference(environment) == ""
    assert [user["name"] for user in httpx.get(users).json()] == ["ankur"]


def as_superuser(environment: Environment, *statements: str) -> None:
    """Execute statements in the database of the front script."""
    state = Path(environment["STATE_DIR"])
    with closing(
        psycopg2.connect(
            host="127.0.0.1",
            port=(state / "postgres.port").read_text().strip(),
            dbname="random",
            user="postgres",
            password=(state / "secrets" / "postgres").read_text().strip(),
        )
    ) as connection:
        connection.autocommit = True
        for statement in statements:
            connection.cursor().execute(statement)


def owners_difference(environment: Environment) -> str:
    return run_front_script(environment, "owners", "--check").stdout


def test_the_logs_are_followed_until_who_asked_has_gone(running: tuple[Environment, str]) -> None:
    with subprocess.Popen(
        ["sh", "-c", '"$0" logs & read line; kill -KILL $$', ROOT / "manage_all.sh"],
        env=running[0],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        names = set()
        for line in process.stdout:
            names.add(line[:9])
            if names >= {"users   |", "numbers |"}:
                break
        process.stdin.close()
        process.stdout.read()  # ends when the last process that may write has ended
        assert process.stderr
        assert process.stderr.read() == ""


def test_a_second_script_waits_for_the_first(running: tuple[Environment, str]) -> None:
    lock = Path(running[0]["STATE_DIR"]) / "lock"
    with (
        lock.open() as held,
        subprocess.Popen(
            [ROOT / "manage_all.sh", "check"],
            env=running[0],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        fcntl.flock(held, fcntl.LOCK_EX)
        assert process.stderr
        assert process.stderr.readline() == "Waiting for another manage_all.sh to end…\n"
        fcntl.flock(held, fcntl.LOCK_UN)
        output, _ = process.communicate(timeout=600)
        assert output.startswith("--- users")
        assert process.returncode == 0


def test_the_data_is_removed_only_after_a_yes(running: tuple[Environment, str]) -> None:
    refused = run_front_script(running[0], "down", "--purge")
    assert refused.returncode != 0
    assert "Nothing was stopped" in refused.stderr
    assert (Path(running[0]["STATE_DIR"]) / "secrets" / "admin").exists()
    assert run_front_script(running[0], "status").returncode == 0


def test_down_stops_everything_and_the_data_stays(running: tuple[Environment, str]) -> None:
    environment = running[0]
    users = url(environment, "USERS", "/users")
    assert httpx.post(users, json={"name": "ankur"}).status_code == 201
    address = ("127.0.0.1", int(environment["USERS_PORT"]))
    with socket.create_connection(address) as idle, socket.create_connection(address) as slow:
        idle.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b""
        while not received.endswith(b"\r\n0\r\n\r\n"):
            received += idle.recv(65536)
        slow.sendall(b"GET /livez HTTP/1.1\r\nHost: loc")
        start = monotonic()
        assert run_front_script(environment, "down").returncode == 0
        assert monotonic() - start < 20  # and not the 25 seconds that requests get
        assert idle.recv(65536) == slow.recv(65536) == b""
    assert processes(environment) == []
    assert run_front_script(environment, "status").returncode == 3
    up(environment)
    assert [user["name"] for user in httpx.get(users).json()] == ["ankur"]


def test_everything_can_be_killed_and_started_again(environment: Environment) -> None:
    up(environment)
    users = url(environment, "USERS", "/users")
    assert httpx.post(users, json={"name": "ankur"}).status_code == 201
    for pid in processes(environment):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: processes(environment) == [], 20)
    up(environment)
    assert [user["name"] for user in httpx.get(users).json()] == ["ankur"]


def test_a_service_that_ends_by_itself_ends_everything(environment: Environment) -> None:
    with subprocess.Popen(
        [ROOT / "manage_all.sh", "up"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        next(line for line in process.stdout if line.startswith("numbers |"))
        os.kill(service_ids(environment)[0], signal.SIGKILL)
        _, errors = process.communicate(timeout=600)
    assert process.returncode == 1
    assert errors.startswith("manage_all.sh: A service ended by itself; its log is in ")
    wait_for(lambda: processes(environment) == [], 20)


@pytest.mark.parametrize("seconds", [0.3, 1.0, 2.0])
def test_ctrl_c_during_the_start_leaves_nothing_running(
    environment: Environment, seconds: float
) -> None:
    with subprocess.Popen(
        [ROOT / "manage_all.sh", "up", "--detach"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        # Wherever it is by then; each step has to be safe.
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        press_ctrl_c(process)
        process.communicate(timeout=600)
    assert process.returncode == -signal.SIGINT
    assert processes(environment) == []


def test_there_are_no_logs_before_the_first_start(environment: Environment) -> None:
    result = run_front_script(environment, "logs")
    assert result.returncode == 1
    assert result.stderr == "manage_all.sh: There are no logs yet: nothing has been started.\n"


def test_a_pid_file_that_names_another_process_does_no_harm(environment: Environment) -> None:
    up(environment)
    run_front_script(environment, "down")
    bystander = subprocess.Popen(["sleep", "600"])
    try:
        for service in SERVICES:
            (Path(environment["STATE_DIR"]) / f"{service.name}.pid").write_text(str(bystander.pid))
        up(environment)
        assert run_front_script(environment, "down").returncode == 0
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_taken_port_is_named_and_nothing_is_started(environment: Environment) -> None:
    with socket.create_server(("127.0.0.1", int(environment["NUMBERS_PORT"]))):
        result = run_front_script(environment, "up", "--detach")
    assert result.returncode == 1
    assert f"Port {environment['NUMBERS_PORT']} is taken" in result.stderr
    assert "NUMBERS_PORT" in result.stderr
    assert processes(environment) == []


@pytest.mark.parametrize("port", ["abc", "0", "65536", ""])
def test_a_port_that_is_none_or_used_twice_is_named(environment: Environment, port: str) -> None:
    given = {"USERS_PORT": port or environment["NUMBERS_PORT"]}
    result = run_front_script({**environment, **given}, "up", "--detach")
    assert result.returncode == 1
    assert given["USERS_PORT"] in result.stderr
    assert processes(environment) == []


def test_a_word_that_up_does_not_know_starts_nothing(environment: Environment) -> None:
    result = run_front_script(environment, "up", "--detatch")
    assert result.returncode == 1
    assert "--detatch" in result.stderr
    assert not Path(environment["STATE_DIR"]).exists()


def test_purge_leaves_what_is_not_its_own(environment: Environment) -> None:
    state = Path(environment["STATE_DIR"])
    run_front_script(environment, "check")
    (state / "mine").write_text("precious")
    result = run_front_script(environment, "down", "--purge", "--yes")
    assert "holds other files" in result.stdout
    assert [path.name for path in state.iterdir()] == ["mine"]
    (state / "mine").unlink()


@pytest.mark.parametrize("name", ["LOG_LEVEL", "WEB_CONCURRENCY"])
def test_a_bad_setting_is_named_and_nothing_is_left_running(
    environment: Environment, name: str
) -> None:
    result = run_front_script({**environment, name: "loud"}, "up", "--detach")
    assert result.returncode == 1
    assert f"{name}='loud'" in result.stderr
    assert processes(environment) == []


def press_ctrl_c(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGINT)


@pytest.mark.parametrize("end", [press_ctrl_c, subprocess.Popen.terminate])
def test_an_end_stops_everything(
    environment: Environment, end: Callable[[subprocess.Popen[str]], None]
) -> None:
    with subprocess.Popen(
        [ROOT / "manage_all.sh", "up"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("numbers |") and "/readyz" in line:
                break
        assert any(line.startswith("users   |") for line in lines)
        end(process)
        process.stdout.read()
        assert process.stderr.read() == ""
        assert process.wait(400) == 0
    assert processes(environment) == []


def test_another_word_goes_to_both_manage_py_users_first(environment: Environment) -> None:
    result = run_front_script(environment, "check", "--deploy")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("no issues") == len(SERVICES)
    assert result.stdout.index("users") < result.stdout.index("numbers")
    assert run_front_script(environment, "nonsense").returncode != 0
    assert processes(environment) == []


def test_the_leading_comment_is_the_help(environment: Environment) -> None:
    result = run_front_script(environment, "help")
    assert "./manage_all.sh up --detach" in result.stdout
    assert "#" not in result.stdout


def test_a_python_that_is_too_old_is_named(environment: Environment, tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path)
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.8.0 && exit\nexit 1\n')
    old.chmod(0o755)
    result = up_in(project, {**environment, "PYTHON": str(old)})
    assert result.returncode == 1
    assert f"Python 3.11 or newer is needed; none of these is: {old}" in result.stderr


def test_a_missing_venv_module_is_named(environment: Environment, tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path)
    without = tmp_path / "python3"
    without.write_text(
        f'#!/bin/sh\n[ "$3" = venv ] && mkdir -p "$4" && exit 1\nexec {sys.executable} "$@"\n'
    )
    without.chmod(0o755)
    result = up_in(project, {**environment, "PYTHON": str(without)})
    assert result.returncode == 1
    assert "apt install python3-venv" in result.stderr
    assert not (project / ".venv").exists()


def test_a_missing_network_is_named(environment: Environment, tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path)
    old = project / ".venv" / "what runs"
    old.mkdir(parents=True)
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:1/", "PIP_RETRIES": "0", "PIP_FIND_LINKS": ""}
    result = up_in(project, {**environment, **nowhere, "PIP_NO_CACHE_DIR": "1"})
    assert result.returncode == 1
    assert "is there a network?" in result.stderr
    assert "asgiref" in result.stderr  # what pip said
    assert processes(environment) == []
    assert old.exists()


def copy_of_the_project(folder: Path) -> Path:
    """Return a copy that has installed nothing yet."""
    project = folder / "a project"
    project.mkdir()
    shutil.copytree(ROOT / "common", project / "common")
    for file in (ROOT / "manage_all.sh", ROOT / "requirements-local.txt", *ROOT.glob("*.py")):
        shutil.copy(file, project)
    return project


def up_in(project: Path, environment: Environment) -> subprocess.CompletedProcess[str]:
    command = [project / "manage_all.sh", "up", "--detach"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1200)


@pytest.fixture
def postgres(environment: Environment) -> Iterator[Environment]:
    """The settings of a PostgreSQL that runs already, and that nothing is provisioned in."""
    up(environment)
    run_front_script(environment, "down")
    state = Path(environment["STATE_DIR"])
    script = [ROOT / ".venv/bin/python", ROOT / "local_postgres.py"]
    started = subprocess.run([*script, "start", state], capture_output=True, text=True, check=True)
    yield {
        "DB_HOST": "127.0.0.1",
        "DB_PORT": started.stdout.strip(),
        "DB_NAME": "elsewhere",
        "DB_ADMIN_USER": "postgres",
        "DB_ADMIN_PASSWORD": (state / "secrets" / "postgres").read_text().strip(),
    }
    subprocess.run([*script, "stop", state], check=True)


@pytest.fixture
def second_environment(tmp_path: Path) -> Iterator[Environment]:
    environment = bare_environment(tmp_path / "second")
    yield environment
    run_front_script(environment, "down", "--purge", "--yes")


def test_a_postgresql_of_ones_own_is_provisioned_and_used(
    postgres: Environment, second_environment: Environment
) -> None:
    result = run_front_script({**second_environment, **postgres}, "up", "--detach")
    assert result.returncode == 0, result.stderr
    users = url(second_environment, "USERS", "/users")
    assert httpx.post(users, json={"name": "ankur"}).status_code == 201
    with closing(
        psycopg2.connect(
            host=postgres["DB_HOST"],
            port=postgres["DB_PORT"],
            dbname="elsewhere",
            user="postgres",
            password=postgres["DB_ADMIN_PASSWORD"],
        )
    ) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT name FROM users.users_user")
        assert cursor.fetchall() == [("ankur",)]


def test_a_postgresql_that_nobody_provisioned_is_named(
    postgres: Environment, second_environment: Environment
) -> None:
    given = {key: value for key, value in postgres.items() if "ADMIN" not in key}
    result = run_front_script({**second_environment, **given}, "up", "--detach")
    assert result.returncode == 1
    assert "common.E001" in result.stderr
    assert "DB_HOST is set, but none of DB_ADMIN_USER, USERS_DB_PASSWORD," in result.stderr
    assert "USERS_OWNER_DB_PASSWORD" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_passwords_of_a_postgresql_that_was_provisioned_are_used(
    postgres: Environment, second_environment: Environment, environment: Environment
) -> None:
    folder = Path(environment["STATE_DIR"]) / "secrets"
    given = {key: value for key, value in postgres.items() if "ADMIN" not in key}
    given["DB_NAME"] = "random"
    for service in SERVICES:
        for kind, role in (("", service.name), ("OWNER_", service.owner_role)):
            given[f"{service.prefix}_{kind}DB_PASSWORD"] = (
                (folder / f"{role}_db").read_text().strip()
            )
    result = run_front_script({**second_environment, **given}, "up", "--detach")
    assert result.returncode == 0, result.stderr
    users = url(second_environment, "USERS", "/users")
    assert httpx.post(users, json={"name": "ankur"}).status_code == 201
