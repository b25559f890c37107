"""A clone by a Git that turns line ends into those of Windows."""

import subprocess
from pathlib import Path

import pytest

from run_tests import SHELL_SCRIPTS
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clone") / "project"
    options = ["-c", "core.autocrlf=true", "-c", "core.eol=crlf"]
    command = ["git", *options, "clone", "--quiet", "--no-local", ROOT, folder]
    subprocess.run(command, check=True)
    return folder


def test_no_file_has_them(clone: Path) -> None:
    tracked = subprocess.check_output(["git", "ls-files", "-z"], cwd=clone, text=True)
    files = [clone / name for name in tracked.strip("\0").split("\0")]
    assert len(files) > 200
    assert [file for file in files if b"\r\n" in file.read_bytes()] == []


def test_the_scripts_run(clone: Path) -> None:
    for script in SHELL_SCRIPTS:
        subprocess.run(["bash", "-n", clone / script], check=True)
    help = subprocess.check_output([clone / "manage_all.sh", "help"], text=True)
    assert help == subprocess.check_output([ROOT / "manage_all.sh", "help"], text=True)
