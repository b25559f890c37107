"""The words of manage_all.sh for developers: test, test-images, test-cluster and bench."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import environments
from common.services import SERVICES
from local_services import LocalService
from local_stack import LocalStack
from local_state import StateFolder
from shell import ROOT, die, exit_if_failed, run

SHELLCHECK = str(environments.TESTS.folder / "bin" / "shellcheck")
FRONT_SCRIPT = sorted(path.name for path in ROOT.glob("*.py"))
SHELL_SCRIPTS = ["manage_all.sh", ".ci/run", "tests/images/run.sh", "tests/cluster/run.sh"]
LINT_IMPORTS = "from importlinter.cli import lint_imports_command as run; run()"
# Tests do not touch the database and the ports that the user has chosen.
SETTINGS = ("DB_", *(f"{service.prefix}_" for service in SERVICES))


def test(words: list[str]) -> None:
    """Check style, types and migrations, and run all tests."""
    with throw_away_stack() as stack:
        stack.environ["DB_NAME"] = "test_random"
        lint(stack.environ)
        stack.use_database()
        stack.provision()
        stack.migrate()
        for service in stack.services:
            check_service(stack, service)
        stack.environ["PYTEST_ADDOPTS"] = f"--basetemp='{stack.state.path / 'pytest'}'"
        run_pytest(stack)


def lint(environ: Mapping[str, str]) -> None:
    """Check what needs no database."""
    dev_python(environ, "-m", "ruff", "check")
    dev_python(environ, "-m", "ruff", "format", "--check")
    exit_if_failed(run([SHELLCHECK, *SHELL_SCRIPTS], cwd=ROOT, env=environ))
    dev_python(environ, "-c", LINT_IMPORTS)
    # These files do not use Django, so they need no plugin and none of the exceptions for it.
    dev_python(environ, "-m", "mypy", "--strict", "--config-file=", *FRONT_SCRIPT)


def check_service(stack: LocalStack, service: LocalService) -> None:
    """Check a service's types, migrations and OpenAPI document."""
    dev_python(service.settings(), "-m", "mypy", "common", f"{service.name}_project")
    for words in (
        ("makemigrations", "--check", "--dry-run"),
        ("spectacular", "--validate", "--fail-on-warn", "--file", os.devnull),
    ):
        exit_if_failed(stack.manage(service, *words))


def run_pytest(stack: LocalStack) -> None:
    """Run the tests of each service, with its settings, and then those that need no settings."""
    for service in stack.services:
        folders = folders_of(service)
        if folders:
            settings = {**service.settings(), "SECURE_SSL_REDIRECT": "false"}
            dev_python(settings, "-m", "pytest", *folders)
    for folders in (["tests/chart"], ["tests/contract", "tests/front_script", "tests/browser"]):
        dev_python(stack.environ, "-m", "pytest", "-p", "no:django", *folders)


def folders_of(service: LocalService) -> list[str]:
    """Return the folders with a service's tests; the first service also runs those of common."""
    folders = [f"tests/{service.name}"]
    if service.service == SERVICES[0]:
        folders.insert(0, "tests/common")
    return [folder for folder in folders if (ROOT / folder).is_dir()]


def test_images(words: list[str]) -> None:
    """Build the images and test them."""
    with throw_away_stack() as stack:
        stack.use_database()
        run_script(stack, "tests/images/run.sh")


def test_cluster(words: list[str]) -> None:
    """Test the chart on the cluster of the current kubectl context."""
    with throw_away_stack() as stack:
        run_script(stack, "tests/cluster/run.sh", *words)


def run_script(stack: LocalStack, script: str, *words: str) -> None:
    """Run a script of the tests, which finds its Python in PYTHON."""
    environ = {**stack.environ, "PYTHON": environments.TESTS.python}
    exit_if_failed(run([f"{ROOT}/{script}", *words], cwd=ROOT, env=environ))


def dev_python(environ: Mapping[str, str], *arguments: str) -> None:
    """Run the Python that has the tests' tools; exit with its code if it fails."""
    exit_if_failed(run([environments.TESTS.python, *arguments], cwd=ROOT, env=environ))


@contextmanager
def throw_away_stack() -> Iterator[LocalStack]:
    """Prepare a stack with a database of its own and the tests' tools; remove it at the end."""
    environ = without(SETTINGS, os.environ)
    stack = LocalStack(StateFolder(Path(tempfile.mkdtemp())), environ)
    try:
        stack.prepare()
        environments.ensure(environments.TESTS, stack.state.install_log)
        yield stack
    finally:
        stack.stop_at_the_end()
        stack.purge()


def without(prefixes: tuple[str, ...], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables whose names begin with none of the prefixes."""
    return {name: value for name, value in environ.items() if not name.startswith(prefixes)}


def bench(words: list[str]) -> None:
    """Measure the services beside their peers, in the place of this process."""
    if not shutil.which("wrk"):
        die("wrk is missing, which makes the load. On Debian and Ubuntu: apt install wrk")
    if not Path("/proc/self").is_dir():
        die("bench reads times and memory from /proc, which only Linux has.")
    environ = without((*SETTINGS, "WEB_"), os.environ)
    stack = LocalStack(StateFolder.from_environment(), environ)
    stack.prepare()
    environments.ensure(environments.PEERS, stack.state.install_log)
    stack.state.unlock()
    os.chdir(ROOT)
    python = environments.SERVICES.python
    environ["STATE_DIR"] = str(stack.state.path)
    os.execve(python, [python, "-m", "tests.load.bench", *words], environ)
