"""A service that is added to common/services.py; the front script needs no other change."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local_postgres import free_port
from tests.conftest import ROOT, bare_environment

LINE = '    Service("letters", "Letter service", port=8082),\n'
# What the front script needs of a project, and nothing of Django.
MANAGE = """
import os, pathlib, sys
with pathlib.Path(os.environ["STATE_DIR"], "letters_words").open("a") as file:
    print(os.environ["DB_USER"], *sys.argv[1:], file=file)
"""
WSGI = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "7")])
    return [b"letters"]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with a third service, and with the packages that are installed here."""
    project = tmp_path_factory.mktemp("copy") / "project"
    project.mkdir()
    for folder in ("common", "users_project", "numbers_project"):
        shutil.copytree(ROOT / folder, project / folder)
    for file in (ROOT / "manage_all.sh", ROOT / "requirements-local.txt", *ROOT.glob("*.py")):
        shutil.copy(file, project)
    for installed in (".venv", ".static"):
        (project / installed).symlink_to(ROOT / installed)
    services = project / "common" / "services.py"
    services.write_text(re.sub(r"^\)$", f"{LINE})", services.read_text(), flags=re.MULTILINE))
    (project / "letters_project").mkdir()
    (project / "letters_project" / "manage.py").write_text(MANAGE)
    (project / "letters_project" / "wsgi.py").write_text(WSGI)
    return project


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    environment = bare_environment(tmp_path_factory.mktemp("third") / "state")
    return {**environment, "LETTERS_PORT": str(free_port())}


@pytest.fixture(scope="module")
def started(project: Path, environment: dict[str, str]) -> Iterator[str]:
    """What the start of all three printed; they are stopped at the end."""
    result = manage_all(project, environment, "up", "--detach")
    assert result.returncode == 0, result.stderr
    yield result.stdout
    (Path(environment["STATE_DIR"]) / "letters_words").unlink()
    assert manage_all(project, environment, "down", "--purge", "--yes").stdout == ""


def manage_all(
    project: Path, environment: dict[str, str], *words: str
) -> subprocess.CompletedProcess[str]:
    command = [project / "manage_all.sh", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def test_it_is_started_and_shown(project: Path, environment: dict[str, str], started: str) -> None:
    url = f"http://localhost:{environment['LETTERS_PORT']}"
    assert httpx.get(url).text == "letters"
    assert re.search(f"^Letter service +{url} ", started, re.MULTILINE)
    status = manage_all(project, environment, "status")
    assert status.returncode == 0
    assert f"\nletters: running on {url}, process " in status.stdout


def test_its_manage_py_gets_every_word_with_its_own_role(
    project: Path, environment: dict[str, str], started: str
) -> None:
    result = manage_all(project, environment, "check", "--deploy")
    assert result.returncode == 0, result.stderr
    assert re.findall("^--- (.*)", result.stdout, re.MULTILINE) == ["users", "numbers", "letters"]
    words = (Path(environment["STATE_DIR"]) / "letters_words").read_text().splitlines()
    assert words[0] == "letters_service migrate --verbosity 0"
    assert words[1].startswith("letters_service createsuperuser --noinput")
    assert words[-1] == "letters_service check --deploy"


def test_it_is_stopped_with_the_others(
    project: Path, environment: dict[str, str], started: str
) -> None:
    assert manage_all(project, environment, "down").returncode == 0
    status = manage_all(project, environment, "status")
    assert status.returncode == 3
    assert "letters: stopped" in status.stdout
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://localhost:{environment['LETTERS_PORT']}")


def test_its_port_is_one_of_those_that_must_differ(
    project: Path, environment: dict[str, str]
) -> None:
    same = {**environment, "LETTERS_PORT": environment["NUMBERS_PORT"]}
    result = manage_all(project, same, "up", "--detach")
    assert result.returncode == 1
    assert "NUMBERS_PORT and LETTERS_PORT are both" in result.stderr
