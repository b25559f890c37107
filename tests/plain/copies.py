"""Copies of the project without its optional rooms, made by the steps in common/serving."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from common import serving
from common.services import SERVICES, Service
from local_postgres import free_port
from tests.load import processes

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("common", "users_project", "numbers_project")


class Step:
    """A step of the plain path: lines to exchange in the files that it names, or shell commands."""

    def __init__(self, text: str) -> None:
        self.lines = re.findall(r"^ {7}(.+)$", text, re.MULTILINE)
        self.files = text.partition("`")[2].partition("`")[0]  # the first name in it, a pattern
        self.script = "\n".join(self.lines)

    def take(self, copy: Path) -> None:
        """Do what the step says in a copy."""
        if self.lines[0].startswith("- "):
            paths = list(copy.glob(self.files))
            assert paths, f"{self.files} is not there."
            for path in paths:
                path.write_text(exchange(path.read_text(), self.lines))
        else:
            subprocess.run(["bash", "-ec", self.script], cwd=copy, check=True)


def steps() -> list[Step]:
    """Return the steps that the docstring of common/serving numbers."""
    _, _, section = (serving.__doc__ or "").partition("The plain path\n")
    return [Step(text) for text in re.split(r"\n\d\. ", section)[1:]]


def exchange(text: str, lines: list[str]) -> str:
    """Put the lines marked with `+` in the place of those marked with `-`, which are there once."""
    place, indent = 0, ""
    for line in lines:
        if line.startswith("- "):
            pattern = rf"^( *){re.escape(line[2:])}\n"
            (found,) = re.finditer(pattern, text, re.MULTILINE)
            place, indent = found.start(), found[1]
            text = text[:place] + text[found.end() :]
        else:
            added = f"{indent}{line[2:]}\n"
            text = text[:place] + added + text[place:]
            place += len(added)
    return text


def make_plain(copy: Path) -> None:
    """Make a copy that takes the plain path."""
    copy_project(copy)
    for step in steps()[:-1]:
        step.take(copy)


def make_without_fast(copy: Path) -> None:
    """Make a copy in which only the import of the views is exchanged."""
    copy_project(copy)
    (views,) = (step for step in steps() if step.files.endswith("views.py"))
    views.take(copy)


def copy_project(copy: Path) -> None:
    """Copy what the services are made of."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)


def plain_command(service: Service) -> list[str]:
    """Return the last step's command, for a service."""
    script = steps()[-1].script.replace("users_project", f"{service.name}_project")
    return ["bash", "-ec", script]


def serving_command(service: Service) -> list[str]:
    """Return the command that starts a service with common/serving."""
    config = "common/serving/gunicorn.conf.py"
    return [sys.executable, "-m", "gunicorn", "--config", config, f"{service.name}_project.wsgi"]


def settings(copy: Path, state: Path, service: Service) -> dict[str, str]:
    """Return a service's environment, with the PostgreSQL and the secrets of a state folder."""
    secrets = state / "secrets"
    return {
        "DB_HOST": "127.0.0.1",
        "DB_PORT": (state / "postgres.port").read_text().strip(),
        "DB_NAME": "random",
        "DB_USER": service.role,
        "DB_PASSWORD_FILE": str(secrets / f"{service.name}_db"),
        "SECRET_KEY_FILE": str(secrets / f"{service.name}_secret_key"),
        "SECURE_SSL_REDIRECT": "false",  # Nothing in front of it terminates TLS.
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TMPDIR": str(copy),
    }


def run(command: list[str], copy: Path, environment: dict[str, str]) -> None:
    """Run a command in a copy; raise RuntimeError with what it printed where it fails."""
    result = subprocess.run(
        [sys.executable, *command],
        cwd=copy,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    if result.returncode:
        raise RuntimeError(f"{command} failed: {result.stdout}{result.stderr}")


def start(
    copy: Path, state: Path, service: Service, command: list[str], **more: str
) -> processes.Service:
    """Start a service of a copy, and wait until it is ready."""
    address = f"127.0.0.1:{free_port()}"
    environment = {**settings(copy, state, service), **more, "BIND": address}
    if not (copy / ".static").exists():
        manage = f"{service.name}_project/manage.py"
        run([manage, "collectstatic", "--noinput"], copy, environment)
    with (copy / f"{service.name}.log").open("wb") as log:
        return processes.launch(command, f"http://{address}", log, copy, environment)


@contextmanager
def running(
    copy: Path, state: Path, command: Callable[[Service], list[str]], **more: str
) -> Iterator[list[processes.Service]]:
    """Start the services of a copy, in the order of common/services.py; stop them at the end."""
    with ExitStack() as stack:
        started = []
        for service in SERVICES:
            with processes.uninterrupted():
                started.append(start(copy, state, service, command(service), **more))
                stack.callback(started[-1].stop)
        yield started
