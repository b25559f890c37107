"""Provisioning of a database in which the services still own what they use."""

import os
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from common import takeover
from common.owners import difference, table
from common.services import SERVICES
from tests.common.conftest import login, manage
from tests.common.test_provision import provision
from tests.conftest import wait_for

NAME = "test_takeover"
NUMBERS = "random_numbers_generatednumber"
DRAW = (
    f'INSERT INTO {NUMBERS} (user_id, "limit", number)'
    " SELECT id, 6, 4 FROM users.users_user WHERE name = 'ankur' RETURNING id"
)


def connect(user: str = "postgres") -> Any:
    file = os.environ["DB_ADMIN_PASSWORD_FILE"]
    if user != "postgres":
        file = login(user.removesuffix("_service"))["DB_PASSWORD_FILE"]
    host, port = os.environ["DB_HOST"], os.environ["DB_PORT"]
    password = Path(file).read_text().strip()
    connection = psycopg2.connect(host=host, port=port, dbname=NAME, user=user, password=password)
    connection.autocommit = True
    return connection


@pytest.fixture
def old(superuser) -> Iterator[Any]:
    """A superuser's cursor in a database as it was before there were owners, with some rows."""
    provision(DB_NAME=NAME)
    for words in (("users", "users"), ("users", "common", "zero"), ("numbers", "random_numbers")):
        assert manage(words[0], "migrate", *words[1:], DB_NAME=NAME).returncode == 0
    for target in (("random_numbers", "0002"), ("common", "zero")):
        assert manage("numbers", "migrate", *target, DB_NAME=NAME).returncode == 0
    with closing(connect()) as connection:
        cursor = connection.cursor()
        for service in SERVICES:
            cursor.execute(f"DROP OWNED BY {service.role}")
            cursor.execute(f"REASSIGN OWNED BY {service.owner_role} TO {service.role}")
            cursor.execute(f"DROP OWNED BY {service.owner_role}")
            cursor.execute(f"GRANT CONNECT ON DATABASE {NAME} TO {service.role}")
            # DROP OWNED has also taken the right to connect to the database of the other tests.
            roles, tests = f"{service.role}, {service.owner_role}", os.environ["DB_NAME"]
            cursor.execute(f"GRANT CONNECT ON DATABASE {tests} TO {roles}")
        cursor.execute("INSERT INTO users.users_user (name) VALUES ('ankur')")
        yield cursor
    superuser.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def take_over() -> None:
    result = provision(DB_NAME=NAME)
    assert (result.returncode, result.stderr) == (0, "")
    for service in SERVICES:
        assert manage(service.name, "migrate", DB_NAME=NAME).returncode == 0


def owners(cursor) -> set[tuple[str, str]]:
    """Return the schemas with the owners of all that is in them, and their own."""
    cursor.execute(
        "WITH own AS (SELECT relnamespace AS schema, relowner AS owner FROM pg_class"
        " UNION SELECT pronamespace, proowner FROM pg_proc"
        " UNION SELECT oid, nspowner FROM pg_namespace)"
        " SELECT schema::regnamespace::text, owner::regrole::text FROM own"
        " WHERE schema::regnamespace::text = ANY (%s)",
        [[service.name for service in SERVICES]],
    )
    return set(cursor.fetchall())


def test_everything_changes_hands_and_no_row_is_lost(old) -> None:
    assert owners(old) == {(service.name, service.role) for service in SERVICES}
    with closing(connect("numbers_service")) as service:
        service.cursor().execute(DRAW)
    take_over()
    assert owners(old) == {(service.name, service.owner_role) for service in SERVICES}
    old.execute(f"SELECT number FROM numbers.{NUMBERS}")
    assert old.fetchall() == [(4,)]
    old.execute("SELECT name FROM users.users_user")
    assert old.fetchall() == [("ankur",)]


def test_the_roles_may_then_do_what_they_may_in_a_new_database(old) -> None:
    take_over()
    assert difference(table(old)) == []


def test_the_old_services_go_on_meanwhile(old) -> None:
    """They draw, register and list all the time, each on a connection that it keeps."""
    stop = threading.Event()
    counts = {"draw": 0, "register": 0, "list": 0}
    errors: list[Exception] = []

    def repeat(user: str, kind: str, statement: str) -> None:
        try:
            with closing(connect(user)) as connection, connection.cursor() as cursor:
                while not stop.is_set():
                    cursor.execute(statement)
                    counts[kind] += len(cursor.fetchall()) if kind == "draw" else 1
        except psycopg2.Error as error:
            errors.append(error)

    threads = [
        threading.Thread(target=repeat, args=arguments)
        for arguments in (
            ("numbers_service", "draw", DRAW),
            ("numbers_service", "list", f"SELECT * FROM {NUMBERS} ORDER BY id LIMIT 100"),
            (
                "users_service",
                "register",
                "INSERT INTO users_user (name) VALUES (gen_random_uuid()::text)",
            ),
        )
    ]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: min(counts.values()) > 10, 60)
        take_over()
        before = dict(counts)
        wait_for(lambda: errors or all(counts[kind] > before[kind] for kind in counts), 60)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert errors == []
    old.execute(f"SELECT count(*) FROM numbers.{NUMBERS}")
    assert old.fetchone() == (counts["draw"],)
    old.execute("SELECT count(*) FROM users.users_user")
    assert old.fetchone() == (counts["register"] + 1,)


def test_a_table_in_use_is_waited_for_in_short_tries(old) -> None:
    """A request that comes meanwhile does not wait until the table is free."""
    with closing(connect("users_service")) as reader, closing(connect("users_service")) as writer:
        reader.autocommit = False
        reader.cursor().execute("SELECT name FROM users_user")
        runs: list[Any] = []
        thread = threading.Thread(target=lambda: runs.append(provision(DB_NAME=NAME)))
        thread.start()
        wait_for(lambda: is_provisioning_waiting(old), 60)
        writer.cursor().execute("INSERT INTO users_user (name) VALUES ('bela')")
        assert runs == []
        reader.rollback()
        thread.join()
    assert (runs[0].returncode, runs[0].stderr) == (0, "")
    assert ("users", "users_service") not in owners(old)


def is_provisioning_waiting(cursor) -> bool:
    """Return whether the superuser waits for a lock on a table."""
    cursor.execute(
        "SELECT FROM pg_stat_activity WHERE datname = %s AND usename = 'postgres'"
        " AND wait_event_type = 'Lock'",
        [NAME],
    )
    return cursor.fetchone() is not None


def test_who_uses_a_table_for_too_long_is_named(old, monkeypatch) -> None:
    monkeypatch.setattr(takeover, "PATIENCE", 0.0)
    monkeypatch.setattr(takeover, "PAUSE", 0.0)
    with closing(connect("users_service")) as reader:
        reader.autocommit = False
        reader.cursor().execute("SELECT name FROM users_user")
        pid = reader.info.backend_pid
        with pytest.raises(
            takeover.Busy, match=rf"process {pid} \(users_service\). Run this again"
        ):
            takeover.take_over(old, SERVICES[0])
    assert ("users", "users_service") in owners(old)
