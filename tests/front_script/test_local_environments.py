"""local_environments.py, with environments that hold nothing but pip."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

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
    environment.requirements.write_text("123456789")
    checksum = local_environments.checksum_of(environment.requirements)
    assert checksum == "930766865 9"  # the check value of POSIX's CRC


def write_wheel(path: Path) -> None:
    """Write a wheel with the module `dice`."""
    about = "Metadata-Version: 2.1\nName: dice\nVersion: 1\n"
    tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with ZipFile(path, "w") as wheel:
        wheel.writestr("dice.py", "")
        wheel.writestr("dice-1.dist-info/METADATA", about)
        wheel.writestr("dice-1.dist-info/WHEEL", tags)
        wheel.writestr("dice-1.dist-info/RECORD", "")


@pytest.fixture
def with_a_package(environment: Environment) -> Environment:
    """An environment that has not been made, with a package that comes from a file."""
    wheel = environment.folder.with_name("dice-1-py3-none-any.whl")
    write_wheel(wheel)
    digest = sha256(wheel.read_bytes()).hexdigest()
    environment.requirements.write_text(f"dice==1 --hash=sha256:{digest}\n")
    return environment._replace(modules=("dice",))


# Where packages come from: to be kept. All others would move the installation or undo it.
CONFIGURATION = """
[global]
no_index = true
find_links = {folder}
user = true
python = /missing
[install]
prefix = {folder}/prefix
root = {folder}/root
"""
VARIABLES = {
    **{
        "PIP_USER": "1",
        "PIP_REQUIRE_VIRTUALENV": "1",
        "PIP_NO_DEPS": "1",
        "PIP_PYTHON": "/missing",
    },
    **{"PIP_TARGET": "{folder}/target", "PIP_CONSTRAINT": "/missing", "PIP_FIND_LINKS": ""},
    **{"PIP_CONFIG_FILE": "{folder}/pip.conf"},
}


def test_the_users_pip_says_where_packages_come_from_and_not_where_they_go(
    with_a_package: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.conf").write_text(CONFIGURATION.format(folder=tmp_path))
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value.format(folder=tmp_path))
    ensure(with_a_package)
    assert with_a_package.is_whole()
    assert not [name for name in ("root", "prefix", "target") if (tmp_path / name).exists()]


def test_modules_in_the_current_folder_do_not_stand_in_for_pythons(
    environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("subprocess", "venv", "pip"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a module of another project')")
    monkeypatch.chdir(tmp_path)
    ensure(environment)
    assert environment.is_whole()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment that is whole, to make copies of."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "requirements.txt").write_text("# none\n")
    environment = Environment(folder / "venv", folder / "requirements.txt", None, ("pip",))
    ensure(environment)
    return environment


def replace_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "damage",
    [
        lambda copy: copy.stamp.write_bytes(b""),
        lambda copy: copy.stamp.write_bytes(b"\xff\xfe"),
        lambda copy: replace_by_a_folder(copy.stamp),
        lambda copy: copy.folder.rename(copy.folder.with_name("moved")),
        lambda copy: Path(copy.python).unlink(),
        lambda copy: (copy.folder / "pyvenv.cfg").unlink(),
        lambda copy: shutil.rmtree(copy.folder / "lib"),
    ],
    ids=["empty", "no text", "a folder", "missing", "no python", "no pyvenv.cfg", "no packages"],
)
def test_a_damaged_one_is_not_up_to_date(
    made: Environment, damage: Callable[[Environment], object], tmp_path: Path
) -> None:
    copy = made._replace(folder=tmp_path / "copy")
    shutil.copytree(made.folder, copy.folder, symlinks=True)
    assert local_environments.is_up_to_date(copy)
    damage(copy)
    assert not local_environments.is_up_to_date(copy)


@pytest.mark.parametrize("name", ["venv", "venv.old"])
def test_a_file_in_the_place_of_one_does_not_stop_the_installation(
    environment: Environment, name: str
) -> None:
    environment.folder.with_name(name).touch()
    local_environments.set_aside(environment)
    local_environments.remove(environment.previous)
    assert not environment.folder.exists()
    assert not environment.previous.exists()


def test_one_that_cannot_import_its_packages_gets_no_stamp(
    environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        ensure(environment._replace(modules=("missing",)))
    assert "cannot import" in capsys.readouterr().err
    assert not environment.folder.exists()


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
