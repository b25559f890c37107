"""Virtual environments, each made from a file of requirements with hashes.

An environment is made anew when the checksum of its requirements differs from the one in its
stamp, the file `lock`, or when its main packages cannot be imported.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from local_shell import ROOT, die, print_tail, run
from local_state import read, remove, write

# What pip may be told by the user's variables: where packages come from. The others would move the
# installation, or change what is installed; options take that from its configuration files.
PIP_VARIABLES = (
    *("PIP_CONFIG_FILE", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_FIND_LINKS"),
    *("PIP_TRUSTED_HOST", "PIP_KEYRING_PROVIDER", "PIP_PROXY", "PIP_CERT", "PIP_CLIENT_CERT"),
    *("PIP_TIMEOUT", "PIP_DEFAULT_TIMEOUT", "PIP_RETRIES", "PIP_CACHE_DIR", "PIP_NO_CACHE_DIR"),
    "PIP_USE_FEATURE",
)


class Environment(NamedTuple):
    """A virtual environment below the project's root."""

    folder: Path
    requirements: Path
    derived: Path | None = None  # made by the installed packages, so it goes when they do
    modules: tuple[str, ...] = ()  # what it has to import to be whole

    @property
    def python(self) -> str:
        """Return its Python."""
        return str(self.folder / "bin" / "python")

    def is_usable(self) -> bool:
        """Return whether it has a Python that this account may run."""
        return os.access(self.python, os.X_OK)

    def is_whole(self) -> bool:
        """Return whether its Python imports its main packages, and no others than its own."""
        script = (
            f"import {', '.join(('sys', *self.modules))}; sys.exit(sys.prefix == sys.base_prefix)"
        )
        command = [self.python, "-I", "-c", script]
        return self.is_usable() and run(command, stderr=subprocess.DEVNULL).returncode == 0

    @property
    def stamp(self) -> Path:
        """Return the file with the checksum of what is installed, which is written last."""
        return self.folder / "lock"

    @property
    def previous(self) -> Path:
        """Return where the old environment waits until the new one is complete."""
        return self.folder.with_name(f"{self.folder.name}.old")


STATIC_FILES = ROOT / ".static"
# Tests and the benchmark's peers need packages that the services must not see.
SERVICES = Environment(
    ROOT / ".venv",
    ROOT / "requirements-local.txt",
    STATIC_FILES,
    ("django", "gunicorn", "psycopg2"),
)
TESTS = Environment(
    ROOT / ".venv-dev", ROOT / "requirements-dev.txt", None, ("django", "mypy", "pytest")
)
PEERS = Environment(
    ROOT / ".venv-bench", ROOT / "tests/load/peers/requirements.txt", None, ("asyncpg", "fastapi")
)


def ensure(environment: Environment, log: Path) -> None:
    """Make an environment unless it is up to date; the log gets what venv and pip print."""
    if is_up_to_date(environment):
        return
    print(f"Installing into {environment.folder.name}; this happens once…")
    set_aside(environment)
    try:
        install(environment, log)
    except BaseException:
        put_back(environment)
        raise
    if environment.derived:
        remove(environment.derived)
    # Before the stamp: a complete environment has no old one beside it.
    remove(environment.previous)
    write(environment.stamp, checksum_of(environment.requirements))


def is_up_to_date(environment: Environment) -> bool:
    """Return whether the environment has what its requirements ask for."""
    checksum = checksum_of(environment.requirements)
    return read(environment.stamp) == checksum and environment.is_whole()


def are_collected() -> bool:
    """Return whether all static files are there (their list is written last), newer than ours."""
    listed = STATIC_FILES / "staticfiles.json"
    newest = max(path.stat().st_mtime for path in (ROOT / "common/static").rglob("*"))
    try:
        is_whole = bool(json.loads(read(listed))["paths"])
    except (ValueError, KeyError, TypeError):
        return False
    return is_whole and listed.stat().st_mtime > newest


def checksum_of(file: Path) -> str:
    """Return a file's CRC and size as POSIX cksum prints them."""
    with file.open("rb") as content:
        return subprocess.check_output(["cksum"], stdin=content, text=True).strip()


def install(environment: Environment, log: Path) -> None:
    """Make the environment and install its packages; say what is missing if that fails."""
    # Isolated: neither the current folder nor the user's own packages stand in for Python's.
    succeed(
        [base_python(), "-I", "-m", "venv", str(environment.folder)],
        log,
        "python3 -m venv failed. On Debian and Ubuntu: apt install python3-venv",
    )
    pip = [environment.python, "-I", "-m", "pip", "--python=", "--disable-pip-version-check"]
    here = ["--no-user", "--target=", f"--prefix={environment.folder}", "--root=/"]
    options = ["--quiet", "--require-hashes", "--requirement", str(environment.requirements)]
    succeed(
        [*pip, "install", *here, *options],
        log,
        "The packages could not be installed; is there a network?",
        env=pip_environment(),
    )
    if not environment.is_whole():
        wanted = ", ".join(environment.modules)
        die(f"pip has ended well, but {environment.python} cannot import {wanted}.")


def pip_environment() -> dict[str, str]:
    """Return the environment without what would lead pip elsewhere."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in PIP_VARIABLES or not name.startswith("PIP_")
    }


def succeed(command: list[str], log: Path, otherwise: str, **options: Any) -> None:
    """Run a command into the log; if it fails, print the end of the log and a message, and exit."""
    with log.open("w") as output:
        result = run(command, stdout=output, stderr=output, **options)
    if result.returncode:
        print_tail(log)
        die(otherwise)


def base_python() -> str:
    """Return the Python for new environments: PYTHON, or the one that this process runs on.

    Not the Python of a virtual environment, which may be the one that is being replaced.
    """
    if os.environ.get("PYTHON"):
        return os.environ["PYTHON"]
    if sys.prefix == sys.base_prefix:
        return sys.executable
    return f"{sys.base_prefix}/bin/python{sys.version_info.major}.{sys.version_info.minor}"


def set_aside(environment: Environment) -> None:
    """Move the old environment out of the way, from which services may still run."""
    # One that was set aside earlier is complete; what stands in its place now is not.
    if environment.folder.exists() and not environment.previous.exists():
        environment.folder.rename(environment.previous)
    remove(environment.folder)


def put_back(environment: Environment) -> None:
    """Replace an unfinished environment by the old one, if there is one."""
    remove(environment.folder)
    if environment.previous.exists():
        environment.previous.rename(environment.folder)
