"""Virtual environments, each made from a file of requirements with hashes.

An environment is made anew when the checksum of its requirements differs from the one in its
stamp, the file `lock`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from local_shell import ROOT, die, print_tail, run


class Environment(NamedTuple):
    """A virtual environment below the project's root."""

    folder: Path
    requirements: Path
    derived: Path | None = None  # made by the installed packages, so it goes when they do

    @property
    def python(self) -> str:
        """Return its Python."""
        return str(self.folder / "bin" / "python")

    def is_usable(self) -> bool:
        """Return whether it has a Python that this account may run."""
        return os.access(self.python, os.X_OK)

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
SERVICES = Environment(ROOT / ".venv", ROOT / "requirements-local.txt", STATIC_FILES)
TESTS = Environment(ROOT / ".venv-dev", ROOT / "requirements-dev.txt")
PEERS = Environment(ROOT / ".venv-bench", ROOT / "tests/load/peers/requirements.txt")


def ensure(environment: Environment, log: Path) -> None:
    """Make an environment unless it is up to date; the log gets what venv and pip print."""
    checksum = checksum_of(environment.requirements)
    if environment.stamp.is_file() and environment.stamp.read_text().strip() == checksum:
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
    remove(
        environment.previous
    )  # before the stamp: a complete environment has no old one beside it
    environment.stamp.write_text(f"{checksum}\n")


def checksum_of(file: Path) -> str:
    """Return a file's CRC and size as POSIX cksum prints them."""
    with file.open("rb") as content:
        return subprocess.check_output(["cksum"], stdin=content, text=True).strip()


def install(environment: Environment, log: Path) -> None:
    """Make the environment and install its packages; say what is missing if that fails."""
    succeed(
        [base_python(), "-m", "venv", str(environment.folder)],
        log,
        "python3 -m venv failed. On Debian and Ubuntu: apt install python3-venv",
    )
    pip = [environment.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    succeed(
        [*pip, "--require-hashes", "--requirement", str(environment.requirements)],
        log,
        "The packages could not be installed; is there a network?",
    )


def succeed(command: list[str], log: Path, otherwise: str) -> None:
    """Run a command into the log; if it fails, print the end of the log and a message, and exit."""
    with log.open("w") as output:
        result = run(command, stdout=output, stderr=output)
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


def remove(folder: Path) -> None:
    """Remove a folder if it exists."""
    if folder.exists():
        shutil.rmtree(folder)
