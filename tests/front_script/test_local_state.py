"""local_state.py."""

import os
import stat
from pathlib import Path

import pytest

from local_state import StateFolder


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path / "a folder" / "state")


def test_only_the_owner_reads_the_secrets_and_they_are_drawn_once(state: StateFolder) -> None:
    state.make()
    (state.secrets / "empty").touch()  # left by a script that was killed
    state.make_secrets(["empty", "other"])
    drawn = {file.name: file.read_text() for file in state.secrets.iterdir()}
    assert len(set(drawn.values())) == 2
    assert min(map(len, drawn.values())) > 50
    assert stat.S_IMODE(state.secrets.stat().st_mode) == 0o700
    assert stat.S_IMODE((state.secrets / "other").stat().st_mode) == 0o600
    state.make()
    state.make_secrets(["empty", "other"])
    assert {file.name: file.read_text() for file in state.secrets.iterdir()} == drawn


def test_a_folder_that_cannot_be_made_is_named(
    state: StateFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    state.path.parent.write_text("a file in its place")
    with pytest.raises(SystemExit):
        state.make()
    assert f"manage_all.sh: {state.path} cannot be written by " in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_folder_of_another_account_is_named(
    state: StateFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    state.make()
    os.chown(state.secrets, 65534, 65534)
    with pytest.raises(SystemExit):
        state.make()
    assert f"{state.path} belongs to another account than root." in capsys.readouterr().err


def test_a_relative_state_folder_lies_below_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATE_DIR", "state")
    assert StateFolder.from_environment().path == tmp_path / "state"
