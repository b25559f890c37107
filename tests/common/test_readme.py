"""The README, held against the code."""

import ast
import re
import subprocess

import pytest

from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()
SCRIPT = (ROOT / "manage_all.sh").read_text()


def test_it_can_be_read_in_one_go() -> None:
    assert len(README.splitlines()) <= 150


def test_every_path_in_it_exists() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    named = set(re.findall(r"[\w./]+/[\w.]+\.(?:py|sh|md|toml)\b|\b\w+\.(?:py|sh)\b", README))
    assert named
    for path in named:
        path = path.removeprefix("./")
        assert any(file == path or file.endswith(f"/{path}") for file in tracked), path
    for folder in re.findall(r"^(\w[\w/]*/) ", README, re.MULTILINE):
        assert (ROOT / folder).is_dir(), folder


@pytest.mark.parametrize("word", re.findall(r"manage_all\.sh ([a-z]+)", README))
def test_every_command_in_it_exists(word: str) -> None:
    assert f"./manage_all.sh {word}" in SCRIPT or f"manage.py {word}" in SCRIPT


def settings_in_the_code() -> set[str]:
    """Return the names of the variables that the code reads by way of common/env.py."""
    names = set()
    for path in [*ROOT.glob("common/*.py"), *ROOT.glob("*_project/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="env")),
                    args=[ast.Constant(value=str(name)), *_],
                ):
                    names.add(name)
    variables = re.findall(r'"([A-Z]+_DB_(?:PASSWORD|CONNECTION_LIMIT))"', provision_source())
    return names | set(variables)


def provision_source() -> str:
    return (ROOT / "common/provision.py").read_text()


def test_every_setting_stands_in_it_and_no_other() -> None:
    tables = re.findall(r"^\| (`[A-Z][A-Z_`, ]+`) \|", README, re.MULTILINE)
    documented = set(re.findall(r"[A-Z_]{4,}", " ".join(tables)))
    assert documented == settings_in_the_code()


def test_the_front_scripts_settings_stand_in_it() -> None:
    defaults = set(re.findall(r"\$\{([A-Z_]+):-", SCRIPT))
    for path in ROOT.glob("*.py"):
        defaults |= set(re.findall(r'environ\.get\("([A-Z_]+)"\)', path.read_text()))
    assert {"PYTHON", "STATE_DIR", "DB_HOST"} <= defaults
    assert {name for name in defaults if f"`{name}`" not in README and "_FILE" not in name} == set()
