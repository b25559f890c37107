"""Users for the tests of numbers, and rows that others have saved: by the owners of the tables."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest

from common.services import Service, service_of


@contextmanager
def owner_connection(service: Service | None) -> Iterator[psycopg2.extensions.connection]:
    """A connection of the owner of a service's tables, who may change rows and grants."""
    assert service
    file = os.environ[f"{service.prefix}_OWNER_DB_PASSWORD_FILE"]
    with closing(
        psycopg2.connect(
            host=os.environ["DB_HOST"],
            port=os.environ["DB_PORT"],
            dbname=os.environ["DB_NAME"],
            user=service.owner_role,
            password=Path(file).read_text().strip(),
        )
    ) as connection:
        connection.autocommit = True
        yield connection


@pytest.fixture
def users_database() -> Iterator[psycopg2.extensions.connection]:
    """A connection of the owner of users; all users are deleted after the test."""
    with owner_connection(service_of("users_owner")) as connection:
        yield connection
        connection.cursor().execute("DELETE FROM users_user")


@pytest.fixture
def numbers_database() -> Iterator[psycopg2.extensions.connection]:
    """A connection of the owner of numbers; all numbers that it has saved are deleted after it."""
    with owner_connection(service_of("numbers_owner")) as connection:
        yield connection
        connection.cursor().execute("DELETE FROM random_numbers_generatednumber")


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
