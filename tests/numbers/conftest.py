"""Users for the tests of numbers, created with the user service's role, since ours cannot write."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest


@pytest.fixture
def users_database() -> Iterator[psycopg2.extensions.connection]:
    """A connection with the user service's role; all users are deleted after the test."""
    password = Path(os.environ["USERS_DB_PASSWORD_FILE"]).read_text().strip()
    with closing(
        psycopg2.connect(
            host=os.environ["DB_HOST"],
            port=os.environ["DB_PORT"],
            dbname=os.environ["DB_NAME"],
            user="users_service",
            password=password,
        )
    ) as connection:
        connection.autocommit = True
        yield connection
        connection.cursor().execute("DELETE FROM users_user")


@pytest.fixture
def register(users_database: psycopg2.extensions.connection) -> Callable[[str], int]:
    """Return a function that registers a user and returns the id."""

    def register(name: str) -> int:
        with users_database.cursor() as cursor:
            cursor.execute("INSERT INTO users_user (name) VALUES (%s) RETURNING id", [name])
            (pk,) = cursor.fetchone()
        return pk

    return register


@pytest.fixture
def ankur(register: Callable[[str], int]) -> int:
    return register("ankur")
