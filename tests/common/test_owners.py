"""Who may do what in the database: the committed table, and the statements that are refused."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from common import refused
from common.owners import COMMITTED, difference, table
from common.refused import not_refused, statements
from common.services import SERVICES
from tests.common.conftest import login
from tests.conftest import ROOT

NUMBERS = "numbers.random_numbers_generatednumber"
LOGINS = [(service.name, is_owner) for service in SERVICES for is_owner in (False, True)]
# A statement, and what the difference then says.
PLANTED = {
    f"GRANT UPDATE ON {NUMBERS} TO numbers_service": "numbers_service INSERT, SELECT, UPDATE",
    "GRANT SELECT (created_at) ON users.users_user TO users_reader": (
        "column users.users_user.created_at users_reader SELECT"
    ),
    "GRANT UPDATE (name) ON users.users_user TO PUBLIC": "users_user.name PUBLIC UPDATE",
    "GRANT EXECUTE ON FUNCTION numbers.forget_idempotency_keys TO PUBLIC": (
        "function numbers.forget_idempotency_keys(most bigint) PUBLIC EXECUTE"
    ),
    "CREATE FUNCTION users.planted() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'": (
        "function users.planted() postgres owner, SECURITY DEFINER"
    ),
    "GRANT CREATE ON SCHEMA numbers TO numbers_service": "numbers_service CREATE, USAGE",
    "GRANT USAGE ON SCHEMA numbers TO PUBLIC": "schema numbers PUBLIC USAGE",
    "CREATE SCHEMA planted": "schema planted postgres owner",
    "GRANT USAGE ON SEQUENCE users.users_user_id_seq TO users_reader": "users_reader USAGE",
    "GRANT users_owner TO numbers_service": "role users_owner numbers_service member, INHERIT, SET",
    "GRANT users_reader TO numbers_service WITH SET TRUE": "member, INHERIT, SET ROLE",
    "GRANT pg_read_all_data TO users_service": "role pg_read_all_data users_service member",
    "CREATE ROLE planted IN ROLE users_owner": "role users_owner planted member",
    "ALTER ROLE users_service CREATEDB": "server users_service LOGIN, CREATEDB",
    "ALTER ROLE numbers_service SUPERUSER": "server numbers_service LOGIN, SUPERUSER",
    f"ALTER TABLE {NUMBERS} OWNER TO numbers_service": f"table {NUMBERS} numbers_service owner",
    "ALTER DEFAULT PRIVILEGES FOR ROLE users_owner IN SCHEMA users GRANT SELECT ON TABLES"
    " TO numbers_service": "new tables in users of users_owner numbers_service SELECT",
    "GRANT CONNECT ON DATABASE postgres TO PUBLIC": "database postgres users_service CONNECT",
    "GRANT TEMPORARY ON DATABASE test_random TO users_service": "users_service CONNECT, TEMPORARY",
    f"REVOKE INSERT ON {NUMBERS} FROM numbers_service": f"table {NUMBERS} numbers_service SELECT",
}


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command, as a pod does."""
    return subprocess.run(
        [sys.executable, "-m", "common.owners", *words],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def connect(service: str, is_owner: bool) -> psycopg2.extensions.connection:
    settings = login(service, is_owner)
    connection = psycopg2.connect(
        host=os.environ["DB_HOST"],
        port=os.environ["DB_PORT"],
        dbname=os.environ["DB_NAME"],
        user=settings["DB_USER"],
        password=Path(settings["DB_PASSWORD_FILE"]).read_text().strip(),
    )
    connection.autocommit = True
    return connection


@pytest.fixture
def planted(superuser) -> Iterator[psycopg2.extensions.cursor]:
    """A superuser's cursor, all whose statements are rolled back after the test."""
    superuser.execute("BEGIN")
    yield superuser
    superuser.execute("ROLLBACK")


@pytest.mark.parametrize(("service", "is_owner"), LOGINS)
def test_any_role_sees_the_committed_table(service: str, is_owner: bool) -> None:
    result = run("--check", DB_ADMIN_USER="", **login(service, is_owner))
    assert (result.stdout, result.stderr, result.returncode) == ("", "", 0)
    printed = run(DB_ADMIN_USER="", **login(service, is_owner))
    assert printed.stdout == COMMITTED.read_text()


@pytest.mark.parametrize(("statement", "line"), PLANTED.items())
def test_whatever_is_changed_is_found(planted, statement: str, line: str) -> None:
    assert difference(table(planted)) == []
    planted.execute(statement)
    added = [text for text in difference(table(planted)) if text.startswith("+")]
    assert any(line in text for text in added), added


def test_a_difference_is_printed_and_fails(superuser) -> None:
    superuser.execute(f"GRANT DELETE ON {NUMBERS} TO numbers_service")
    try:
        result = run("--check")
    finally:
        superuser.execute(f"REVOKE DELETE ON {NUMBERS} FROM numbers_service")
    assert result.returncode == 1
    assert "--- owners.txt\n+++ the database\n" in result.stdout
    assert f"\n+table {NUMBERS} numbers_service DELETE, INSERT, SELECT" in result.stdout


def test_a_failed_connection_is_reported_without_a_traceback() -> None:
    result = run("--check", DB_PORT="1")
    assert result.returncode == 1
    assert result.stderr.startswith("The database cannot be read: ")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(("service", "is_owner"), LOGINS)
def test_all_that_a_role_does_not_need_is_refused(service: str, is_owner: bool) -> None:
    result = run("--refused", DB_ADMIN_USER="", **login(service, is_owner))
    assert (result.stdout, result.stderr, result.returncode) == ("", "", 0)


def test_all_that_a_reader_does_not_need_is_refused(superuser) -> None:
    superuser.execute("SET SESSION AUTHORIZATION users_reader")
    done = not_refused(superuser, COMMITTED.read_text())
    # It cannot log in, so here it is the superuser who logged in, and may become any other.
    assert [line for line in done if "SET SESSION AUTHORIZATION" not in line] == []


@pytest.mark.parametrize(
    "statement",
    [
        f"DELETE FROM {NUMBERS} WHERE false",
        f"UPDATE {NUMBERS} SET number = DEFAULT WHERE false",
        f"TRUNCATE {NUMBERS}",
        f"DROP TABLE {NUMBERS} CASCADE",
        f"CREATE POLICY refused ON {NUMBERS} USING (true)",
        f"LOCK TABLE {NUMBERS} IN EXCLUSIVE MODE",
        "CREATE FUNCTION numbers.refused() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SELECT created_at FROM users.users_user WHERE false",
        "SELECT id FROM users.auth_user WHERE false",
        "INSERT INTO numbers.django_migrations (app) SELECT NULL WHERE false",
        "SET ROLE numbers_owner",
        "SET ROLE users_reader",
        "CREATE TEMPORARY TABLE refused (id int)",
    ],
)
def test_the_statements_are_those_that_matter(superuser, statement: str) -> None:
    tried = list(statements(superuser, "numbers_service", COMMITTED.read_text()))
    assert statement in tried
    assert f"INSERT INTO {NUMBERS} (number) SELECT NULL WHERE false" not in tried
    assert "SELECT name FROM users.users_user WHERE false" not in tried


@pytest.mark.parametrize(
    ("plant", "remove", "lines"),
    [
        (
            f"GRANT UPDATE ON {NUMBERS} TO numbers_service",
            f"REVOKE UPDATE ON {NUMBERS} FROM numbers_service",
            {
                "done: LOCK TABLE {} IN EXCLUSIVE MODE",
                *(
                    f"done: UPDATE {{}} SET {column} = DEFAULT WHERE false"
                    for column in ("id", "user_id", '"limit"', "number", "created_at")
                ),
            },
        ),
        (
            f"GRANT SELECT ON {NUMBERS} TO numbers_service WITH GRANT OPTION",
            f"REVOKE GRANT OPTION FOR SELECT ON {NUMBERS} FROM numbers_service CASCADE",
            {"granted: GRANT SELECT ON {} TO PUBLIC"},
        ),
        (
            "GRANT SELECT (created_at) ON users.users_user TO users_reader",
            "REVOKE SELECT (created_at) ON users.users_user FROM users_reader",
            {"done: SELECT created_at FROM users.users_user WHERE false"},
        ),
        (
            "GRANT CONNECT ON DATABASE postgres TO numbers_service",
            "REVOKE CONNECT ON DATABASE postgres FROM numbers_service",
            {"entered: the database postgres"},
        ),
    ],
)
def test_what_is_not_refused_is_named(superuser, plant: str, remove: str, lines: set[str]) -> None:
    superuser.execute(plant)
    try:
        result = run("--refused", DB_ADMIN_USER="", **login("numbers"))
    finally:
        superuser.execute(remove)
    assert result.returncode == 1
    assert set(result.stdout.splitlines()) == {line.format(NUMBERS) for line in lines}


def test_what_could_not_be_tried_is_named(superuser, monkeypatch) -> None:
    monkeypatch.setattr(refused, "TRIES", 2)
    superuser.execute("GRANT TRUNCATE ON users.users_user TO users_service")
    superuser.execute("BEGIN")
    superuser.execute("LOCK TABLE users.users_user IN ACCESS SHARE MODE")
    try:
        with closing(connect("users", is_owner=False)) as connection:
            problems = not_refused(connection.cursor(), COMMITTED.read_text())
    finally:
        superuser.execute("ROLLBACK")
        superuser.execute("REVOKE TRUNCATE ON users.users_user FROM users_service")
    assert "not tried, since the table was locked: TRUNCATE users.users_user" in problems
    assert all(problem.startswith("not tried") for problem in problems)
