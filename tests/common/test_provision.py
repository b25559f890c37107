"""Provisioning of the database, the roles and the schemas."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg2
import pytest

from common.roles import login_roles
from common.services import SERVICES
from tests.common.conftest import manage
from tests.conftest import ROOT


def provision(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "common.provision"],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def database(superuser) -> str:
    """The name of a database that is dropped after the test."""
    name = "test_provision"
    yield name
    superuser.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def test_four_concurrent_runs_succeed(database: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: provision(DB_NAME=database), range(4)))
    assert [result.stderr for result in results] == [""] * 4


def test_another_run_changes_nothing_but_the_passwords(superuser) -> None:
    query = (
        "SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolconfig,"
        " rolconnlimit"
        " FROM pg_roles ORDER BY rolname"
    )
    superuser.execute(query)
    before = superuser.fetchall()
    assert provision().returncode == 0
    superuser.execute(query)
    assert superuser.fetchall() == before


def test_a_connection_limit_is_set_kept_and_removed(superuser) -> None:
    query = "SELECT rolname, rolconnlimit FROM pg_roles WHERE rolname LIKE '%_service'"
    unlimited = {service.role: -1 for service in SERVICES}
    limits = {**unlimited, "users_service": 20, "numbers_service": 30}
    for run, expected in (
        ({"USERS_DB_CONNECTION_LIMIT": "20", "NUMBERS_DB_CONNECTION_LIMIT": "30"}, limits),
        ({}, limits),
        ({"USERS_DB_CONNECTION_LIMIT": "-1", "NUMBERS_DB_CONNECTION_LIMIT": "-1"}, unlimited),
    ):
        assert provision(**run).returncode == 0
        superuser.execute(query)
        assert dict(superuser.fetchall()) == expected


def test_the_administrator_does_not_need_to_be_a_superuser(superuser, database: str) -> None:
    superuser.execute("CREATE ROLE dba LOGIN PASSWORD 'dba' CREATEROLE CREATEDB")
    roles = [*login_roles(), "users_reader"]
    superuser.execute(f"GRANT {', '.join(roles)} TO dba WITH ADMIN OPTION")
    superuser.execute("GRANT CONNECT ON DATABASE postgres TO dba")
    try:
        result = provision(DB_NAME=database, DB_ADMIN_USER="dba", DB_ADMIN_PASSWORD="dba")
    finally:
        superuser.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        superuser.execute("DROP OWNED BY dba")
        superuser.execute("DROP ROLE dba")
    assert result.returncode == 0
    # He cannot set what only a superuser may set, and says so.
    (line,) = result.stderr.splitlines()
    assert "log_min_error_statement = panic, log_error_verbosity = terse" in line


def test_other_roles_cannot_connect(superuser, database: str) -> None:
    provision(DB_NAME=database)
    superuser.execute("CREATE ROLE stranger LOGIN PASSWORD 'stranger'")
    try:
        with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
            psycopg2.connect(
                host=os.environ["DB_HOST"],
                port=os.environ["DB_PORT"],
                dbname=database,
                user="stranger",
                password="stranger",
            )
    finally:
        superuser.execute("DROP ROLE stranger")


def test_another_run_changes_a_password() -> None:
    def login(password: str) -> None:
        host, port, name = (os.environ[key] for key in ("DB_HOST", "DB_PORT", "DB_NAME"))
        user = "numbers_service"
        with closing(
            psycopg2.connect(host=host, port=port, dbname=name, user=user, password=password)
        ):
            pass

    try:
        assert provision(NUMBERS_DB_PASSWORD="another").returncode == 0
        login("another")
    finally:
        assert provision().returncode == 0
    with pytest.raises(psycopg2.OperationalError):
        login("another")


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"DB_PORT": "1"}, "Connection refused"),
        ({"DB_ADMIN_PASSWORD": "wrong"}, "password authentication failed"),
        ({"USERS_DB_PASSWORD_FILE": ""}, "Neither USERS_DB_PASSWORD nor"),
    ],
)
def test_an_error_is_reported_without_a_traceback(
    environment: dict[str, str], sentence: str
) -> None:
    result = provision(**environment)
    assert result.returncode == 1
    assert result.stderr.startswith("The database cannot be provisioned: ")
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


def test_concurrent_migrations_wait_for_each_other(database: str) -> None:
    assert provision(DB_NAME=database).returncode == 0
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda _: manage("users", "migrate", DB_NAME=database), range(3)))
    assert [result.stderr for result in results] == [""] * 3
