"""local_logs.py, with logs that grow, are emptied and are replaced."""

import os
import subprocess
from pathlib import Path

import pytest

from local_logs import FollowedLog, follow, last, open_new
from tests.conftest import ROOT


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "users.log"
    path.write_text("started\n")
    return path


def test_lines_that_are_added_to_a_log_are_shown(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = log.with_name("numbers.log")
    other.write_text("another log\n")
    rounds = iter([True, True, False])

    def go_on() -> bool:
        with log.open("a") as file:
            file.write("another line\n")
        return next(rounds)

    follow({"users": log, "numbers": other}, go_on)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["users   | started", "users   | another line"]
    assert lines.count("users   | another line") == 2
    assert "numbers | another log" in lines


def test_a_line_is_shown_once_it_is_whole(log: Path) -> None:
    followed = FollowedLog(log)
    assert list(followed.lines()) == ["started"]
    with log.open("ab") as file:
        file.write(b"one ")
        file.flush()
        assert list(followed.lines()) == []
        file.write(b"line\n")
        file.flush()
        assert list(followed.lines()) == ["one line"]


def test_a_log_that_is_emptied_has_no_hole_and_is_followed(log: Path) -> None:
    with open_new(log) as file:
        file.write(b"a long line before\n")
        file.flush()
        followed = FollowedLog(log)
        assert list(followed.lines()) == ["a long line before"]
        log.write_bytes(b"")
        assert list(followed.lines()) == []
        file.write(b"after\n")
        file.flush()
        assert list(followed.lines()) == ["after"]
    assert log.read_bytes() == b"after\n"


def test_the_log_of_the_start_before_is_kept_and_the_new_one_is_followed(log: Path) -> None:
    followed = FollowedLog(log)
    assert list(followed.lines()) == ["started"]
    for line in (b"second\n", b"third\n"):
        with open_new(log) as file:
            file.write(line)
    assert list(followed.lines()) == ["third"]
    assert last(log).read_bytes() == b"second\n"


def test_a_start_that_wrote_nothing_does_not_cost_the_log_before(log: Path) -> None:
    open_new(log).close()
    open_new(log).close()
    assert last(log).read_text() == "started\n"


def test_a_terminal_without_utf_8_shows_every_line(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "users.log").write_bytes("GET /ü \u2028 ".encode() + b"\xff\n")
    ascii_only = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    with subprocess.Popen(
        [ROOT / "manage_all.sh", "logs"],
        env={**os.environ, **ascii_only, "STATE_DIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        line = process.stdout.readline()
        process.terminate()
        assert process.stderr.read() == b""
    assert line.startswith(b"users | GET /")
