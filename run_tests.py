"""The words of manage_all.sh for developers: lint, test, bench, drill, test-images and others."""

import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import local_environments
from common.services import SERVICES
from local_services import LocalService
from local_shell import ROOT, die, exit_if_failed, run
from local_stack import LocalStack
from local_state import StateFolder, remove

SHELLCHECK = str(local_environments.TESTS.folder / "bin" / "shellcheck")
FRONT_SCRIPT = sorted(path.name for path in ROOT.glob("*.py"))
CLUSTER_SCRIPTS = ["tests/cluster/run.sh", "tests/cluster/drill.sh"]
SHELL_SCRIPTS = ["manage_all.sh", ".ci/run", "tests/images/run.sh", *CLUSTER_SCRIPTS]
LINT_IMPORTS = "from importlinter.cli import lint_imports_command as run; run()"
WITHOUT_DJANGO = (
    ["tests/chart"],
    [
        "tests/contract",
        "tests/plain",
        "tests/front_script",
        "tests/pooler",
        "tests/browser",
        "tests/drill",
    ],
)
# Tests do not touch the database and the ports that the user has chosen.
SETTINGS = ("DB_", *(f"{service.prefix}_" for service in SERVICES))


def test(words: list[str]) -> None:
    """Run all checks and tests, or the tests below some paths."""
    paths = [relative(word) for word in words]
    with throw_away_stack() as stack:
        stack.environ["DB_NAME"] = "test_random"
        if not paths:
            check_code(stack)
        stack.use_database()
        stack.provision()
        stack.migrate()
        if not paths:
            check_migrations(stack)
        stack.environ["PYTEST_ADDOPTS"] = f"--basetemp={shlex.quote(str(pytest_folder(stack)))}"
        run_pytest(stack, paths)


def relative(word: str) -> str:
    """Return a path from the project's root; exit where it leads to no tests."""
    path = Path(word).resolve()
    if not path.exists() or not path.is_relative_to(ROOT / "tests"):
        die(f"test takes paths below tests/, and not {word}.")
    return str(path.relative_to(ROOT))


def lint(words: list[str]) -> None:
    """Check the code without running it."""
    with throw_away_stack() as stack:
        check_code(stack)


def check_code(stack: LocalStack) -> None:
    """Check style, imports and types, for which no database is needed."""
    dev_python(stack.environ, "-m", "ruff", "check")
    dev_python(stack.environ, "-m", "ruff", "format", "--check")
    exit_if_failed(run([SHELLCHECK, *SHELL_SCRIPTS], cwd=ROOT, env=stack.environ))
    dev_python(stack.environ, "-c", LINT_IMPORTS)
    # These files do not use Django, so they need no plugin and none of the exceptions for it.
    dev_python(stack.environ, "-m", "mypy", "--strict", "--config-file=", *FRONT_SCRIPT)
    for service in stack.services:
        dev_python(service.settings(), "-m", "mypy", "common", f"{service.name}_project")


def check_migrations(stack: LocalStack) -> None:
    """Check that no migration is missing, and that OpenAPI can describe each service."""
    for service in stack.services:
        exit_if_failed(stack.manage(service, "makemigrations", "--check", "--dry-run"))
        document = ("spectacular", "--validate", "--fail-on-warn", "--file", os.devnull)
        exit_if_failed(stack.manage(service, *document))


def run_pytest(stack: LocalStack, paths: list[str]) -> None:
    """Run the tests of each service, with its settings, and then those that need no settings."""
    for service in stack.services:
        settings = {**service.settings(), "SECURE_SSL_REDIRECT": "false"}
        pytest(settings, selected(folders_of(service), paths))
    for folders in WITHOUT_DJANGO:
        pytest(stack.environ, selected(folders, paths), "-p", "no:django")


def pytest(environ: Mapping[str, str], folders: list[str], *options: str) -> None:
    """Run the tests in some folders, if there are any."""
    if folders:
        dev_python(environ, "-m", "pytest", *options, *folders)


def selected(folders: list[str], paths: list[str]) -> list[str]:
    """Return the folders, or those of the given paths that lie in them."""
    if not paths:
        return folders
    return [path for path in paths if any(Path(path).is_relative_to(one) for one in folders)]


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
    environ = {**stack.environ, "PYTHON": local_environments.TESTS.python}
    exit_if_failed(run([f"{ROOT}/{script}", *words], cwd=ROOT, env=environ))


def dev_python(environ: Mapping[str, str], *arguments: str) -> None:
    """Run the Python that has the tests' tools; exit with its code if it fails."""
    exit_if_failed(run([local_environments.TESTS.python, *arguments], cwd=ROOT, env=environ))


@contextmanager
def throw_away_stack() -> Iterator[LocalStack]:
    """Prepare a stack with a database of its own and the tests' tools; remove it at the end."""
    environ = without(SETTINGS, os.environ)
    stack = LocalStack(StateFolder(Path(tempfile.mkdtemp())), environ)
    try:
        stack.prepare()
        local_environments.ensure(local_environments.TESTS, stack.state.install_log)
        yield stack
    finally:
        stack.stop_at_the_end()
        remove(pytest_folder(stack))
        stack.purge()


def pytest_folder(stack: LocalStack) -> Path:
    """Return where pytest keeps the temporary files of its tests."""
    return stack.state.path / "pytest"


def without(prefixes: tuple[str, ...], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables whose names begin with none of the prefixes."""
    return {name: value for name, value in environ.items() if not name.startswith(prefixes)}


def bench(words: list[str]) -> None:
    """Measure the services beside their peers, in the place of this process."""
    if not shutil.which("wrk"):
        die("wrk is missing, which makes the load. On Debian and Ubuntu: apt install wrk")
    become("bench", "tests.load.bench", words, local_environments.PEERS)


def drill(words: list[str]) -> None:
    """Show that no number is lost whatever breaks, here or on a cluster."""
    if words[:1] == ["--cluster"]:
        with throw_away_stack() as stack:
            run_script(stack, "tests/cluster/drill.sh", *words[1:])
    else:
        become("drill", "tests.drill", words)


def become(
    word: str, module: str, words: list[str], *environments: local_environments.Environment
) -> None:
    """Run a module, which starts services of its own, in the place of this process."""
    if not Path("/proc/self").is_dir():
        die(f"{word} reads /proc, which only Linux has.")
    environ = without((*SETTINGS, "WEB_"), os.environ)
    stack = LocalStack(StateFolder.from_environment(), environ)
    stack.prepare()
    for environment in environments:
        local_environments.ensure(environment, stack.state.install_log)
    stack.state.unlock()
    os.chdir(ROOT)
    python = local_environments.SERVICES.python
    environ["STATE_DIR"] = str(stack.state.path)
    os.execve(python, [python, "-m", module, *words], environ)
