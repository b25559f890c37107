"""manage_all.sh in shells that were made for something else."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local_postgres import LocalPostgres
from tests.conftest import ROOT, bare_environment
from tests.front_script.conftest import Environment, processes
from tests.front_script.test_manage_all import copy_of_the_project

# Each of these leads a program elsewhere: bash, Python, Django, gunicorn, libpq, HTTP clients.
MISLEADING = {
    **{"CDPATH": "/tmp:.", "BASH_ENV": "/missing", "ENV": "/missing", "GLOBIGNORE": "*"},
    **{"SHELLOPTS": "noclobber:noexec", "BASHOPTS": "nullglob", "IFS": "/", "POSIXLY_CORRECT": "1"},
    "BASH_FUNC_sed%%": "() { echo an exported function; }",
    **{"PYTHONPATH": "{folder}", "PYTHONSAFEPATH": "1", "PYTHONHOME": "/missing"},
    **{"PYTHONSTARTUP": "/missing", "PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "2"},
    **{
        "PYTHONINSPECT": "1",
        "PYTHONNOUSERSITE": "",
        "PYTHONUTF8": "0",
        "PYTHONIOENCODING": "ascii",
    },
    **{"PYTHONPLATLIBDIR": "missing", "PYTHONCASEOK": "1", "PYTHONPROFILEIMPORTTIME": "1"},
    **{"DJANGO_SETTINGS_MODULE": "missing", "DJANGO_AUTO_COMPLETE": "1"},
    **{"DJANGO_SUPERUSER_USERNAME": "other", "DJANGO_SUPERUSER_EMAIL": "none"},
    **{"GUNICORN_CMD_ARGS": "--bind=127.0.0.1:1", "GUNICORN_PID": "1", "GUNICORN_FD": "1"},
    **{"PROMETHEUS_MULTIPROC_DIR": "/missing", "prometheus_multiproc_dir": "/missing"},
    **{"PGSERVICE": "missing", "PGHOSTADDR": "127.0.0.2", "PGHOST": "missing", "PGPORT": "1"},
    **{"PGOPTIONS": "-c missing=1", "PGCHANNELBINDING": "require", "PGSSLMODE": "verify-full"},
    **{"PGREQUIREAUTH": "none", "PGTARGETSESSIONATTRS": "standby", "PGPASSFILE": "/missing"},
    **{"PGSYSCONFDIR": "/missing", "PGCLIENTENCODING": "LATIN1", "PGDATA": "/missing"},
    **{"PGUSER": "other", "PGPASSWORD": "wrong", "PGDATABASE": "other", "PGCONNECT_TIMEOUT": "0"},
    **{"http_proxy": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"},
    **{"all_proxy": "http://127.0.0.1:1", "no_proxy": "example.com", "VIRTUAL_ENV": "/missing"},
}
PLACES = {
    "a language": {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "Asia/Kolkata"},
    "ASCII": {"LC_ALL": "C", "TZ": ":missing"},
    "an unknown language": {"LC_ALL": "xx_XX", "TZ": "", "TMPDIR": "/missing", "HOME": "/missing"},
}


def assert_that_all_runs(environment: Environment, **options: str) -> None:
    """Start the services in a shell, use them, and see that they are those of its state folder."""
    command = [options.get("script", ROOT / "manage_all.sh"), "up", "--detach"]
    started = subprocess.run(
        command,
        env=environment,
        cwd=options.get("cwd", "/"),
        umask=int(options.get("umask", "022"), 8),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert started.returncode == 0, started.stderr
    assert started.stderr == options.get("errors", "")
    with httpx.Client(trust_env=False) as client:
        users = f"http://127.0.0.1:{environment['USERS_PORT']}/users"
        assert client.post(users, json={"name": "ankur"}).status_code == 201
    assert processes(environment)


@pytest.fixture
def other_project(tmp_path: Path) -> Path:
    """A folder with modules that are named as those of Python and its packages."""
    folder = tmp_path / "other project"
    folder.mkdir()
    for name in ("random", "signal", "subprocess", "django", "gunicorn", "psycopg2", "json"):
        (folder / f"{name}.py").write_text("raise SystemExit('a module of another project')")
    return folder


def test_variables_for_other_programs_lead_nobody_elsewhere(
    environment: Environment, other_project: Path
) -> None:
    misleading = {
        name: value.replace("{folder}", str(other_project)) for name, value in MISLEADING.items()
    }
    assert_that_all_runs({**environment, **misleading}, cwd=str(other_project))
    forgotten = {
        f"{name}={value}"
        for name, value in misleading.items()
        if name.startswith(("PG", "PYTHON", "GUNICORN_", "BASH_ENV", "SHELLOPTS"))
    }
    for pid in processes(environment):
        given = set(Path(f"/proc/{pid}/environ").read_text().split("\0"))
        assert forgotten & given == set()


@pytest.mark.parametrize("place", PLACES)
def test_the_place_of_the_shell_does_not_matter(environment: Environment, place: str) -> None:
    assert_that_all_runs({**environment, **PLACES[place]}, errors=bash_warning(place))


def bash_warning(place: str) -> str:
    """Return what bash itself says at its start where a language is missing on this machine."""
    command = ["bash", "-c", ""]
    environ = {**os.environ, **PLACES[place]}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stderr


@pytest.mark.parametrize("umask", ["077", "000", "777"])
def test_the_umask_does_not_matter(environment: Environment, umask: str) -> None:
    environment.pop("HOME", None)
    assert_that_all_runs(environment, umask=umask)
    state = Path(environment["STATE_DIR"])
    open_to_others = [path for path in state.rglob("*") if path.stat().st_mode & 0o022]
    assert open_to_others == []


def test_the_script_may_be_a_symbolic_link(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "to the script").symlink_to(ROOT / "manage_all.sh")
    link = tmp_path / "manage"
    link.symlink_to("to the script")
    result = subprocess.run([link, "status"], env=environment, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (3, "")


@pytest.fixture
def removed_folder(tmp_path: Path) -> Iterator[int]:
    """An open folder that has been removed."""
    (tmp_path / "removed").mkdir()
    folder = os.open(tmp_path / "removed", os.O_RDONLY)
    (tmp_path / "removed").rmdir()
    yield folder
    os.close(folder)


@pytest.mark.parametrize("state", ["", "relative"])
def test_the_current_folder_may_have_been_removed(
    environment: Environment, removed_folder: int, state: str
) -> None:
    given = {**environment, "STATE_DIR": state or environment["STATE_DIR"]}
    result = subprocess.run(
        [ROOT / "manage_all.sh", "status"],
        env=given,
        preexec_fn=lambda: os.fchdir(removed_folder),
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in result.stderr
    assert result.returncode == (1 if state else 3)
    assert ("STATE_DIR is a relative path" in result.stderr) == bool(state)


@pytest.mark.parametrize("name", ["-dash", "ü %d %s", "it's", "[x]*?", "#;&|<>"])
def test_the_projects_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    project = tmp_path / name
    copy_of_the_project(tmp_path).rename(project)
    for path in (ROOT / ".venv", ROOT / ".static", *ROOT.glob("*_project")):
        (project / path.name).symlink_to(path)
    for words in (["check"], ["down", "--purge", "--yes"]):
        result = subprocess.run(
            [f"{name}/manage_all.sh", *words],
            env=bare_environment(project / ".state"),
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert (result.returncode, result.stderr) == (0, "")
    assert not (project / ".state").exists()


@pytest.mark.parametrize("character", ['"', "$", "`", "\\", "\n"])
def test_a_path_that_postgresql_cannot_quote_is_named(tmp_path: Path, character: str) -> None:
    server = LocalPostgres(tmp_path)
    server.require_safe_paths()
    server.home = tmp_path / f"a{character}b"
    with pytest.raises(SystemExit, match="^PostgreSQL does not run below") as end:
        server.require_safe_paths()
    assert f"rename what has {character!r} in it" in str(end.value)
