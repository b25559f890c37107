"""Settings from the environment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from common import env
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("", lambda: env.text("X")),
        ("other", lambda: env.text("X", allowed=("disable", "require"))),
        ("ten", lambda: env.integer("X", 1, 1, 9)),
        ("0", lambda: env.integer("X", 1, 1, 9)),
        ("10", lambda: env.integer("X", 1, 1, 9)),
        ("-1", lambda: env.integer("X", 1, 1, 9)),
        ("²", lambda: env.integer("X", 1, 1, 9)),
        ("yes", lambda: env.boolean("X", False)),
    ],
)
def test_the_error_for_a_bad_value_names_the_variable(monkeypatch, value: str, read) -> None:
    monkeypatch.setenv("X", value)
    with pytest.raises(ImproperlyConfigured, match="^X") as caught:
        read()
    assert value in str(caught.value)


def test_the_error_names_the_allowed_values(monkeypatch) -> None:
    monkeypatch.setenv("X", "yes")
    with pytest.raises(ImproperlyConfigured, match="true, false"):
        env.boolean("X", False)
    with pytest.raises(ImproperlyConfigured, match="from 1 to 9"):
        env.integer("X", 1, 1, 9)


def test_defaults_apply_when_a_variable_is_not_set(monkeypatch) -> None:
    monkeypatch.delenv("X", raising=False)
    assert env.text("X", "a") == "a"
    assert env.integer("X", 5, 1, 9) == 5
    assert env.boolean("X", True) is True
    assert env.words("X") == []


def test_words_are_separated_by_commas(monkeypatch) -> None:
    monkeypatch.setenv("X", "a, b,,c ")
    assert env.words("X") == ["a", "b", "c"]


def test_a_secret_comes_from_its_variable_or_from_a_file(monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    monkeypatch.setenv("X_FILE", str(tmp_path / "secret"))
    assert env.secret("X") == "from the file"
    monkeypatch.setenv("X", "from the variable")
    assert env.secret("X") == "from the variable"


def test_a_secret_has_no_default(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.delenv("X", raising=False)
    with pytest.raises(ImproperlyConfigured, match="Neither X nor a file in X_FILE"):
        env.secret("X")
    monkeypatch.setenv("X_FILE", str(tmp_path / "missing"))
    with pytest.raises(ImproperlyConfigured, match=r"X_FILE=.*cannot be read"):
        env.secret("X")


# Reads a setting, then connects with what a setting does not name left to libpq.
CONNECT = """
import os
from common import env
import psycopg2
psycopg2.connect(
    host=env.text("DB_HOST"),
    port=env.integer("DB_PORT", 5432, 1, 65535),
    dbname=env.text("DB_NAME"),
    user=env.text("DB_USER"),
    password=env.secret("DB_PASSWORD"),
).close()
assert not [name for name in os.environ if name.startswith("PG")]
"""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PGSERVICE", "missing"),
        ("PGHOSTADDR", "127.0.0.2"),
        ("PGOPTIONS", "-c missing=1"),
        ("PGCHANNELBINDING", "require"),
        ("PGSSLMODE", "verify-full"),
        ("PGREQUIREAUTH", "none"),
        ("PGTARGETSESSIONATTRS", "standby"),
        ("PGCLIENTENCODING", "missing"),
    ],
)
def test_libpqs_variables_lead_no_connection_elsewhere(name: str, value: str) -> None:
    environ = {**os.environ, name: value}
    subprocess.run([sys.executable, "-c", CONNECT], cwd=ROOT, env=environ, check=True)


@pytest.mark.parametrize(
    ("given", "shown"), [({}, "0"), ({"PGOPTIONS": "-c statement_timeout=7s"}, "7s")]
)
def test_a_command_may_choose_its_own_timeout(given: dict[str, str], shown: str) -> None:
    script = (
        "from django.db import connection as c; k = c.cursor();"
        " k.execute('SHOW statement_timeout'); print(k.fetchone()[0])"
    )
    command = [sys.executable, ROOT / "users_project/manage.py", "shell", "-c", script]
    environ = {**os.environ, "PGHOSTADDR": "127.0.0.2", **given}
    output = subprocess.check_output(command, env=environ, text=True)
    assert output.splitlines()[-1] == shown
