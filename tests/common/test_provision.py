"""Provisioning of the database, the roles and the schemas."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from common import provision as provision_module
from common.database.errors import one_line
from common.database.locks import LockTimeout
from common.roles import login_roles
from common.services import SERVICES
from local_postgres import LocalPostgres
from tests.common.conftest import login, manage
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
    def enter(password: str) -> None:
        host, port, name = (os.environ[key] for key in ("DB_HOST", "DB_PORT", "DB_NAME"))
        user = "numbers_service"
        with closing(
            psycopg2.connect(host=host, port=port, dbname=name, user=user, password=password)
        ):
            pass

    try:
        assert provision(NUMBERS_DB_PASSWORD="another").returncode == 0
        enter("another")
    finally:
        assert provision().returncode == 0
    with pytest.raises(psycopg2.OperationalError):
        enter("another")


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"DB_PORT": "1"}, "Connection refused"),
        ({"DB_ADMIN_PASSWORD": "wrong"}, "password authentication failed"),
        ({"USERS_DB_PASSWORD_FILE": ""}, "Neither USERS_DB_PASSWORD nor"),
        ({"NUMBERS_OWNER_DB_PASSWORD_FILE": ""}, "Neither NUMBERS_OWNER_DB_PASSWORD nor"),
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


def test_the_lock_is_not_waited_for_without_end(superuser, monkeypatch) -> None:
    monkeypatch.setattr(provision_module, "LOCK_PATIENCE", 0.2)
    with closing(provision_module.connect_as_admin("postgres")) as other:
        other.cursor().execute("SELECT pg_advisory_lock(%s)", [provision_module.LOCK])
        holder = rf"held by process {other.info.backend_pid} \(postgres\)"
        with pytest.raises(LockTimeout, match=holder):
            provision_module.main()


def test_what_a_role_has_set_on_itself_does_not_outlast(superuser) -> None:
    query = (
        "SELECT rolname, setdatabase, unnest(setconfig) FROM pg_db_role_setting"
        " JOIN pg_roles ON pg_roles.oid = setrole ORDER BY 1, 2, 3"
    )
    superuser.execute(query)
    before = superuser.fetchall()
    for where in ("", f" IN DATABASE {os.environ['DB_NAME']}", " IN DATABASE postgres"):
        for role in login_roles():
            superuser.execute(f"ALTER ROLE {role}{where} SET search_path = pg_temp")
            superuser.execute(f"ALTER ROLE {role}{where} SET work_mem = '1GB'")
    assert provision().returncode == 0
    superuser.execute(query)
    assert superuser.fetchall() == before


def test_the_roles_cannot_enter_other_databases_and_others_still_can(superuser) -> None:
    superuser.execute("CREATE ROLE stranger LOGIN")
    may_connect = "SELECT has_database_privilege(%s, %s, 'CONNECT')"
    try:
        for database in provision_module.MAINTENANCE_DATABASES:
            superuser.execute(f"GRANT CONNECT ON DATABASE {database} TO PUBLIC")
        assert provision().returncode == 0
        for database in provision_module.MAINTENANCE_DATABASES:
            for role in (*login_roles(), "stranger"):
                superuser.execute(may_connect, [role, database])
                assert superuser.fetchone() == (role == "stranger",)
    finally:
        superuser.execute("REVOKE CONNECT ON DATABASE postgres, template1 FROM stranger")
        superuser.execute("DROP ROLE stranger")


def test_a_name_in_a_statement_that_fails_is_not_logged() -> None:
    """PostgreSQL's log has the error, but neither the statement nor the row."""
    settings = login("users")
    host, port, name = (os.environ[key] for key in ("DB_HOST", "DB_PORT", "DB_NAME"))
    password = Path(settings["DB_PASSWORD_FILE"]).read_text().strip()
    insert = "INSERT INTO users_user (name) VALUES ('Jane Roe'), ('Jane Roe')"
    with (
        closing(
            psycopg2.connect(
                host=host, port=port, dbname=name, user=settings["DB_USER"], password=password
            )
        ) as connection,
        pytest.raises(psycopg2.errors.UniqueViolation) as raised,
    ):
        connection.cursor().execute(insert)
    assert "Jane Roe" in str(raised.value)
    assert one_line(raised.value) == (
        'duplicate key value violates unique constraint "user_name_unique" (INSERT)'
    )
    state = Path(os.environ["DB_ADMIN_PASSWORD_FILE"]).parent.parent
    log = LocalPostgres(state).log.read_text()
    assert 'duplicate key value violates unique constraint "user_name_unique"' in log
    assert "Jane Roe" not in log


def test_a_former_reader_reads_nothing_after_another_run(superuser) -> None:
    superuser.execute("GRANT users_reader TO numbers_owner")
    try:
        assert provision().returncode == 0
        superuser.execute(
            "SELECT member::regrole::text FROM pg_auth_members"
            " WHERE roleid = 'users_reader'::regrole AND member <> CURRENT_USER::regrole"
        )
        assert superuser.fetchall() == [("numbers_service",)]
    finally:
        superuser.execute("REVOKE users_reader FROM numbers_owner")
