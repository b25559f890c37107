"""`./manage_all.sh drill` in a short form: on the project as it is, and on copies with a bug."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import bare_environment, run_front_script
from tests.drill import planted
from tests.drill.faults import FAULTS
from tests.drill.planted import Bug

PATIENT = ("--quick", "--longest", "50")  # ten times what is promised, for slow machines
TITLES = {fault.name: fault.title for fault in FAULTS}


def drill(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = bare_environment(tmp_path / "state")
    return run_front_script(environment, "drill", *PATIENT, *words, timeout=600)


def test_nothing_is_lost_and_nothing_doubled(tmp_path: Path) -> None:
    names = ["database_killed", "database_frozen", "workers_killed", "clients_leaving"]
    result = drill(tmp_path, "--only", *names, "--output", str(tmp_path / "results.md"))
    assert result.returncode == 0, result.stderr
    for name in names:
        assert f"| {TITLES[name]} " in result.stdout
    assert (tmp_path / "results.md").read_text() in result.stdout


@pytest.mark.parametrize(
    ("bug", "name", "complaint"),
    [
        (planted.answer_before_the_commit, "workers_killed", "numbers were lost"),
        (planted.repeat_that_draws_again, "grant_revoked", "doubled"),
        (planted.list_that_hides_numbers, "grant_revoked", "a list lacks"),
    ],
)
def test_a_bug_is_found(tmp_path: Path, bug: Bug, name: str, complaint: str) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    bug.plant(copy)
    result = drill(tmp_path, "--only", name, "--checkout", str(copy))
    assert result.returncode == 1
    said = [line for line in result.stderr.splitlines() if line.startswith(f"{TITLES[name]}: ")]
    assert any(complaint in line for line in said), result.stderr


def test_an_unknown_fault_is_refused_before_anything_starts(tmp_path: Path) -> None:
    result = drill(tmp_path, "--only", "earthquake")
    assert result.returncode == 2
    assert "invalid choice: 'earthquake'" in result.stderr
