"""local_environments.py, with environments that hold nothing but pip."""

import subprocess
import sys
from pathlib import Path

import pytest

import local_environments
from local_environments import Environment
from local_shell import Interrupted


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """An environment that has not been made."""
    (tmp_path / "requirements.txt").write_text("# none\n")
    return Environment(tmp_path / "venv", tmp_path / "requirements.txt", tmp_path / "derived")


def ensure(environment: Environment) -> None:
    local_environments.ensure(environment, environment.folder.with_name("install.log"))


@pytest.fixture
def outdated(environment: Environment) -> Path:
    """A file in an environment whose requirements have changed since it was made."""
    environment.folder.mkdir()
    environment.stamp.write_text("another checksum\n")
    marker = environment.folder / "what runs"
    marker.touch()
    return marker


def assert_put_back(environment: Environment, outdated: Path) -> None:
    assert outdated.exists()
    assert environment.stamp.read_text() == "another checksum\n"
    assert not environment.previous.exists()


def test_it_is_made_once_and_again_after_a_change(
    environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    ensure(environment)
    assert capsys.readouterr().out == "Installing into venv; this happens once…\n"
    marker = environment.folder / "marker"
    marker.touch()
    ensure(environment)
    assert capsys.readouterr().out == ""
    assert marker.exists()
    environment.requirements.write_text("# changed\n")
    assert environment.derived
    environment.derived.mkdir()
    ensure(environment)
    assert not marker.exists()
    assert not environment.derived.exists()
    assert not environment.previous.exists()
    subprocess.run([environment.python, "-m", "pip", "--version"], check=True)


def test_the_stamp_is_what_cksum_prints(environment: Environment) -> None:
    environment.folder.mkdir()
    environment.requirements.write_text("123456789")
    environment.stamp.write_text("930766865 9\n")  # the check value of POSIX's CRC
    ensure(environment)
    assert not Path(environment.python).exists()


def test_the_old_one_is_put_back_when_a_package_cannot_be_installed(
    environment: Environment, outdated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.requirements.write_text(f"missing @ file:///missing.whl --hash=sha256:{'0' * 64}")
    with pytest.raises(SystemExit) as end:
        ensure(environment)
    assert end.value.code == 1
    assert "manage_all.sh: The packages could not be installed" in capsys.readouterr().err
    assert_put_back(environment, outdated)


def test_the_old_one_is_put_back_after_ctrl_c(
    environment: Environment, outdated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nkill -INT $$\n")
    python.chmod(0o755)
    monkeypatch.setenv("PYTHON", str(python))
    with pytest.raises(Interrupted):
        ensure(environment)
    assert_put_back(environment, outdated)


def test_the_one_that_was_set_aside_survives_a_killed_installation(
    environment: Environment, outdated: Path
) -> None:
    local_environments.set_aside(environment)
    environment.folder.mkdir()  # unfinished
    local_environments.set_aside(environment)
    local_environments.put_back(environment)
    assert_put_back(environment, outdated)


def test_the_base_is_the_chosen_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON", "python3.99")
    assert local_environments.base_python() == "python3.99"


def test_the_base_is_not_a_virtual_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHON", raising=False)
    assert sys.prefix != sys.base_prefix
    script = "import sys; print(sys.prefix == sys.base_prefix, *sys.version_info[:2])"
    found = subprocess.check_output([local_environments.base_python(), "-c", script], text=True)
    assert found.split() == ["True", *map(str, sys.version_info[:2])]


def test_a_python_that_cannot_be_run_is_not_usable(environment: Environment) -> None:
    assert not environment.is_usable()
    Path(environment.python).parent.mkdir(parents=True)
    Path(environment.python).symlink_to("/missing")
    assert not environment.is_usable()
