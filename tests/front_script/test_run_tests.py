"""`./manage_all.sh test` with paths."""

import pytest

from common.services import SERVICES
from run_tests import WITHOUT_DJANGO, selected
from tests.conftest import ROOT, run_front_script

USERS = ["tests/common", "tests/users"]


@pytest.mark.parametrize(
    ("paths", "chosen"),
    [
        ([], USERS),
        (["tests/users/test_users.py"], ["tests/users/test_users.py"]),
        (["tests/common", "tests/chart"], ["tests/common"]),
        (["tests/numbers", "tests/users_of_another"], []),
    ],
)
def test_paths_select_the_tests_below_them(paths: list[str], chosen: list[str]) -> None:
    assert selected(USERS, paths) == chosen


def test_every_folder_of_tests_is_run() -> None:
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    run = {"common", *(service.name for service in SERVICES)}
    run |= {path.removeprefix("tests/") for folders in WITHOUT_DJANGO for path in folders}
    assert folders - {"images"} <= run


@pytest.mark.parametrize("path", ["nonsense", "common", "tests/../common", "tests/nothing"])
def test_a_path_without_tests_is_named_and_nothing_is_started(path: str) -> None:
    result = run_front_script({"PATH": "/usr/bin:/bin"}, "test", path)
    assert result.returncode == 1
    assert result.stderr == f"manage_all.sh: test takes paths below tests/, and not {path}.\n"
