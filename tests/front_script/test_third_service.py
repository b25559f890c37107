"""A third service, added to a copy of the project as CONTRIBUTING.md says, runs beside the two."""

import json
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import psycopg2
import pytest
import yaml

from common.services import SERVICES, Service
from local_postgres import free_port
from tests.chart.test_services import steps as steps_of_the_chart
from tests.conftest import ROOT, bare_environment

DICE = Service("dice", "Dice service", 8082, reads=("users",))
NAMES = [*(service.name for service in SERVICES), "dice"]
# The tests of the project that look at every service in the list.
OF_EVERY_SERVICE = (
    "tests/common/test_imports.py",
    "tests/common/test_settings.py",
    "tests/chart/test_images.py",
)
ROWS = 20_000


def section() -> str:
    """Return what CONTRIBUTING.md says about adding a service."""
    _, text = (ROOT / "CONTRIBUTING.md").read_text().split("## Add a service\n")
    return text.split("\n## ")[0]


def steps() -> list[tuple[str, str]]:
    """Return the language and the text of each code block in that section."""
    blocks = re.findall(r"^   ```(\w+)\n(.*?)^   ```$", section(), re.DOTALL | re.MULTILINE)
    return [(language, re.sub("(?m)^   ", "", block)) for language, block in blocks]


def follow(project: Path, language: str, block: str) -> None:
    """Do what a step says: run a block, or put it where the sentence above it says."""
    match language:
        case "sh":
            subprocess.run(["bash", "-euc", block], cwd=project, check=True)
        case "diff":
            services = project / "common" / "services.py"
            before = "".join(re.findall(r"(?m)^ (.*\n)", block))
            after = "".join(re.findall(r"(?m)^[ +](.*\n)", block))
            text = services.read_text()
            assert text.count(before) == 1
            services.write_text(text.replace(before, after))
        case "dockerfile":
            with (project / "Dockerfile").open("a") as file:
                file.write(f"\n{block}")
        case _:
            raise AssertionError(f"{language} is no step.")


def repeat_in_compose(file: Path) -> None:
    """Repeat each block and line about `numbers` for `dice`."""

    def for_dice(text: str) -> str:
        text = text.replace("random_service", "dice_service").replace("8080", str(DICE.port))
        return text.replace("numbers", "dice").replace("NUMBERS", "DICE")

    blocks = []
    for block in file.read_text().split("\n\n"):
        if re.match(r"(x-| *)numbers", block):
            blocks += [block, for_dice(block)]
        else:
            line = r"^ +.*(?:\bnumbers-|NUMBERS_).*\n?"
            repeated = [(found[0], for_dice(found[0])) for found in re.finditer(line, block, re.M)]
            for old, new in repeated:
                block = block.replace(old, old.rstrip("\n") + "\n" + new)
            blocks.append(block)
    file.write_text("\n\n".join(blocks))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with a third service, and with the packages that are installed here."""
    project = tmp_path_factory.mktemp("copy") / "project"
    tracked = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).split()
    for name in tracked:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, project / name)
    (ROOT / ".helm_cache").mkdir(exist_ok=True)
    for installed in (".venv", ".venv-dev", ".static", ".helm_cache"):
        (project / installed).symlink_to(ROOT / installed)
    for language, block in steps():
        follow(project, language, block)
    repeat_in_compose(project / "compose.yaml")
    return project


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    environment = bare_environment(tmp_path_factory.mktemp("third") / "state")
    return {**environment, "DICE_PORT": str(free_port())}


@pytest.fixture(scope="module")
def started(project: Path, environment: dict[str, str]) -> Iterator[str]:
    """What the start of all three printed; they are stopped at the end."""
    result = manage_all(project, environment, "up", "--detach")
    try:
        assert result.returncode == 0, result.stdout + result.stderr
        yield result.stdout
    finally:
        assert manage_all(project, environment, "down", "--purge", "--yes").returncode == 0


def manage_all(
    project: Path, environment: dict[str, str], *words: str
) -> subprocess.CompletedProcess[str]:
    command = [project / "manage_all.sh", *words]
    return subprocess.run(
        command, env=environment, cwd=project, capture_output=True, text=True, timeout=1800
    )


@pytest.fixture
def dice(environment: dict[str, str], started: str) -> Iterator[httpx.Client]:
    """A client of the dice service."""
    with httpx.Client(base_url=f"http://localhost:{environment['DICE_PORT']}") as client:
        yield client


def execute(project: Path, environment: dict[str, str], name: str, statement: str) -> list[tuple]:
    """Execute a statement as a service, or as the superuser `postgres`."""
    status = manage_all(project, environment, "status").stdout
    port = status.split("postgres: running on 127.0.0.1:")[1].split(",")[0]
    user, file = (name, name) if name == "postgres" else (f"{name}_service", f"{name}_db")
    password = (Path(environment["STATE_DIR"]) / "secrets" / file).read_text().strip()
    with closing(
        psycopg2.connect(host="127.0.0.1", port=port, dbname="random", user=user, password=password)
    ) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def chunks(port: int, path: str) -> list[bytes]:
    """Return the chunks of an answer as the server cut them, without the empty last one."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        with connection.makefile("rb") as answer:
            assert b" 200 " in answer.readline()
            headers = b"".join(iter(answer.readline, b"\r\n")).lower()
            assert b"transfer-encoding: chunked" in headers
            found = []
            while size := int(answer.readline(), 16):
                found.append(answer.read(size))
                assert answer.readline() == b"\r\n"
            assert answer.read() == b"\r\n"
    return found


def test_every_step_has_a_block_or_a_rule_in_this_file() -> None:
    assert len(re.findall(r"^\d\. ", section(), re.MULTILINE)) == len(steps()) + 2
    assert "each block and line about `numbers` once more for `dice`, with port 8082" in section()
    entry, *_ = steps_of_the_chart()
    (listed,) = yaml.safe_load(entry)
    assert (listed["name"], listed["port"], tuple(listed["reads"])) == ("dice", 8082, ("users",))
    assert listed["paths"] == ["/dice"]


def test_it_runs_beside_the_two(
    environment: dict[str, str], started: str, dice: httpx.Client
) -> None:
    for service, path in (("USERS", "users"), ("NUMBERS", "get-saved-numbers")):
        assert httpx.get(f"http://localhost:{environment[f'{service}_PORT']}/{path}").is_success
    created = dice.post("/dice", json={"name": "red"})
    assert created.status_code == 201
    assert dice.get(created.headers["Location"]).json() == created.json()
    assert dice.get("/dice", params={"name": "red"}).json() == [created.json()]
    assert dice.post("/dice", json={"name": "red"}).status_code == 409
    assert f"\n{DICE.title}" in started
    assert dice.get("/schema", headers={"Accept": "application/json"}).is_success


def test_status_names_it(project: Path, environment: dict[str, str], started: str) -> None:
    status = manage_all(project, environment, "status")
    assert status.returncode == 0
    url = f"http://localhost:{environment['DICE_PORT']}"
    assert f"\ndice: running on {url}, process " in status.stdout
    assert re.search(f"^Dice service +{url} ", started, re.MULTILINE)


def test_its_log_is_followed_with_those_of_the_others(
    project: Path, environment: dict[str, str], started: str
) -> None:
    with subprocess.Popen(
        [project / "manage_all.sh", "logs"], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        in_time = threading.Timer(300, process.kill)
        in_time.start()
        names = set()
        for line in process.stdout:
            names.add(line.split(" ")[0])
            if names == set(NAMES):
                break
        in_time.cancel()
        process.terminate()
    assert names == set(NAMES)


def test_its_tables_are_in_its_schema_and_belong_to_its_owner(
    project: Path, environment: dict[str, str], started: str
) -> None:
    query = (
        "SELECT schemaname, tableowner, count(*) FILTER (WHERE tablename = 'dice_dice')"
        " FROM pg_tables WHERE schemaname = 'dice' OR tableowner IN ('dice_owner', 'dice_service')"
        " GROUP BY schemaname, tableowner"
    )
    assert execute(project, environment, "postgres", query) == [("dice", "dice_owner", 1)]


def test_it_may_read_the_columns_that_the_user_service_grants(
    project: Path, environment: dict[str, str], started: str
) -> None:
    assert execute(project, environment, "dice", "SELECT id, name FROM users.users_user") == []


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("dice", "SELECT created_at FROM users.users_user"),
        ("dice", "INSERT INTO users.users_user (name) VALUES ('x')"),
        ("dice", "SELECT password FROM users.auth_user"),
        ("dice", "SELECT id FROM numbers.random_numbers_generatednumber"),
        ("dice", "SET ROLE users_reader"),
        ("users", "SELECT id FROM dice.dice_dice"),
        ("numbers", "SELECT id FROM dice.dice_dice"),
        ("numbers", "INSERT INTO dice.dice_dice (name) VALUES ('x')"),
        ("numbers", "CREATE TABLE dice.x (id int)"),
    ],
)
def test_what_belongs_to_another_is_refused(
    project: Path, environment: dict[str, str], started: str, name: str, statement: str
) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        execute(project, environment, name, statement)


def test_its_list_is_streamed(project: Path, environment: dict[str, str], started: str) -> None:
    many = f"INSERT INTO dice_dice (name) SELECT 'bulk ' || n FROM generate_series(1, {ROWS}) n"
    execute(project, environment, "dice", many)
    pieces = chunks(int(environment["DICE_PORT"]), "/dice")
    assert len(pieces) > 2
    ids = [row["id"] for row in json.loads(b"".join(pieces))]
    assert len(ids) >= ROWS
    assert ids == sorted(set(ids))


def test_every_word_goes_to_its_manage_py(
    project: Path, environment: dict[str, str], started: str
) -> None:
    for words in (("check", "--deploy"), ("makemigrations", "--check", "--dry-run")):
        result = manage_all(project, environment, *words)
        assert result.returncode == 0, result.stdout + result.stderr
        assert re.findall("^--- (.*)", result.stdout, re.MULTILINE) == NAMES


def test_the_projects_own_tests_of_every_service_pass_with_it(
    project: Path, environment: dict[str, str]
) -> None:
    result = manage_all(project, environment, "test", *OF_EVERY_SERVICE)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count(" passed") == 2  # those that use Django, and those that do not


def test_it_is_as_tidy_as_what_it_was_copied_from(project: Path) -> None:
    for words in (("check",), ("format", "--check")):
        result = in_copy(project, "-m", "ruff", *words, "dice_project", "common/services.py")
        assert result.returncode == 0, result.stdout


def test_the_contracts_cover_it(project: Path) -> None:
    lint = ("-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache")
    assert in_copy(project, *lint).returncode == 0
    trespasser = project / "dice_project" / "dice" / "trespasser.py"
    trespasser.write_text("import gevent\nimport users_project.users.models\n")
    result = in_copy(project, *lint)
    trespasser.unlink()
    assert result.returncode == 1
    assert "2 broken" in result.stdout


def in_copy(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the Python of the tests in the copy."""
    command = [project / ".venv-dev/bin/python", *words]
    return subprocess.run(command, cwd=project, capture_output=True, text=True)


def test_its_port_is_one_of_those_that_must_differ(
    project: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    same = {**environment, "STATE_DIR": str(tmp_path), "DICE_PORT": environment["NUMBERS_PORT"]}
    result = manage_all(project, same, "up", "--detach")
    assert result.returncode == 1
    assert "NUMBERS_PORT and DICE_PORT are both" in result.stderr


def test_it_is_stopped_with_the_others(
    project: Path, environment: dict[str, str], started: str
) -> None:
    assert manage_all(project, environment, "down").returncode == 0
    status = manage_all(project, environment, "status")
    assert status.returncode == 3
    assert "dice: stopped" in status.stdout
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://localhost:{environment['DICE_PORT']}/livez")
