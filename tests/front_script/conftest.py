"""What the tests of the front script share."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from signal import getsignal, signal

import pytest

from local_shell import SIGNALS
from tests.conftest import bare_environment, run_front_script

Environment = dict[str, str]


@pytest.fixture(autouse=True)
def signal_handlers() -> Iterator[None]:
    """The handlers as they were: an interrupted script ignores all later signals."""
    before = {number: getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal(number, handler)


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Environment]:
    """A shell of a newcomer; what was started in it is stopped and removed at the end."""
    environment = bare_environment(tmp_path / "a folder" / "state")
    yield environment
    ended = run_front_script(environment, "down", "--purge", "--yes")
    assert ended.returncode == 0, ended.stderr
    assert processes(environment) == []
    assert not Path(environment["STATE_DIR"]).exists()


def processes(environment: Environment) -> list[int]:
    """Return the processes that were started in an environment and still run."""
    mark = f"STATE_DIR={environment['STATE_DIR']}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
    return found


def up(environment: Environment) -> subprocess.CompletedProcess[str]:
    result = run_front_script(environment, "up", "--detach")
    assert result.returncode == 0, result.stderr
    return result
