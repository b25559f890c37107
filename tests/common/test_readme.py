"""README.md, SETTINGS.md, SECURITY.md and CONTRIBUTING.md agree with the code."""

import ast
import re
import subprocess

import pytest
from django.core.management import get_commands

from common.services import SERVICES
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()
SETTINGS = (ROOT / "SETTINGS.md").read_text()
SECURITY = (ROOT / "SECURITY.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
SCRIPT = (ROOT / "manage_all.sh").read_text()


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize(
    "text",
    [README, SETTINGS, SECURITY, CONTRIBUTING],
    ids=["README", "SETTINGS", "SECURITY", "CONTRIBUTING"],
)
def test_every_path_in_a_document_exists(text: str) -> None:
    text = text.replace("dice_project", "users_project")  # the example of a copy
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    named = set(re.findall(r"[\w./]+/[\w.]+\.(?:py|sh|md|toml)\b|\b\w+\.(?:py|sh)\b", text))
    assert named
    for path in named:
        path = path.removeprefix("./")
        assert any(file == path or file.endswith(f"/{path}") for file in tracked), path
    for folder in re.findall(r"^(\w[\w/]*/) ", text, re.MULTILINE):
        assert (ROOT / folder).is_dir(), folder
    for path in re.findall(r"`((?:\.ci|\w+)/[\w./-]*|\w+\.(?:md|toml|yaml))`", text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize(
    "word", re.findall(r"manage_all\.sh ([a-z-]+)", README + SECURITY + CONTRIBUTING)
)
def test_every_command_in_a_document_exists(word: str) -> None:
    assert f"./manage_all.sh {word}" in SCRIPT or word in get_commands()


@pytest.mark.parametrize("lock", ["requirements", "requirements-local", "requirements-dev"])
def test_every_lock_file_names_the_documented_command(lock: str) -> None:
    command = (ROOT / f"{lock}.txt").read_text().splitlines()[1].lstrip("# ")
    assert f"\n{command}\n" in CONTRIBUTING


def settings_in_the_code() -> set[str]:
    """Return the names of the variables that the code reads with common/env.py.

    Those of one service stand for those of all: USERS_DB_PASSWORD is {}_DB_PASSWORD.
    """
    names = set()
    for path in [*ROOT.glob("common/**/*.py"), *ROOT.glob("*_project/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="env")),
                    args=[ast.Constant(value=str(name)), *_],
                ):
                    names.add(name)
    suffixes = re.findall(
        r"\{service.prefix\}(\w*_DB_\w+)", (ROOT / "common/provision.py").read_text()
    )
    assert suffixes
    return names | {f"{{}}{suffix}" for suffix in suffixes}


def test_the_settings_are_exactly_those_of_the_code() -> None:
    services, _ = SETTINGS.split("## The front script")
    tables = re.findall(r"^\| (`[A-Z][A-Z_`, or]+`) \|", services, re.MULTILINE)
    prefixes = "|".join(f"{service.prefix}(?=_)" for service in SERVICES)
    documented = set(re.findall(r"[A-Z_{}]{4,}", re.sub(prefixes, "{}", " ".join(tables))))
    assert documented == settings_in_the_code()


def test_the_settings_of_the_front_script_are_listed() -> None:
    defaults = set(re.findall(r"\$\{([A-Z_]+):-", SCRIPT))
    for path in ROOT.glob("*.py"):
        defaults |= set(re.findall(r'environ\.get\("([A-Z_]+)"\)', path.read_text()))
    assert {"PYTHON", "STATE_DIR", "DB_HOST"} <= defaults
    assert {
        name for name in defaults if f"`{name}`" not in SETTINGS and "_FILE" not in name
    } == set()
