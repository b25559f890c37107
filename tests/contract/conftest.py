"""Clients of both services, and rows in bulk."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx
import psycopg2
import pytest

from tests.conftest import Services

ROWS = 200_000


@pytest.fixture
def users(services: Services) -> Iterator[httpx.Client]:
    """A client of the user service."""
    with httpx.Client(base_url=services.users, timeout=30) as client:
        yield client


@pytest.fixture
def numbers(services: Services) -> Iterator[httpx.Client]:
    """A client of the random number service."""
    with httpx.Client(base_url=services.numbers, timeout=30) as client:
        yield client


@pytest.fixture
def user(users: httpx.Client, name: str) -> str:
    """The name of a user who has just been registered."""
    assert users.post("/users", json={"name": name}).status_code == 201
    return name


@contextmanager
def connect_as_superuser(services: Services) -> Iterator[psycopg2.extensions.cursor]:
    """Open a superuser's cursor, where the database is one that was started for the tests."""
    with closing(psycopg2.connect(superuser_dsn(services))) as connection:
        connection.autocommit = True
        yield connection.cursor()


def superuser_dsn(services: Services) -> str:
    """Return how libpq enters the services' database as its superuser: SUPERUSER_DSN, or ours."""
    if "SUPERUSER_DSN" in os.environ:
        return os.environ["SUPERUSER_DSN"]
    if services.state is None:
        pytest.skip("needs a database of its own, and USERS_URL names services that run elsewhere")
    status = services.manage_all("status").stdout
    port = status.split("postgres: running on 127.0.0.1:")[1].split(",")[0]
    password = (services.state / "secrets" / "postgres").read_text().strip()
    return f"host=127.0.0.1 port={port} dbname=random user=postgres password={password}"


@pytest.fixture
def superuser(services: Services) -> Iterator[psycopg2.extensions.cursor]:
    with connect_as_superuser(services) as cursor:
        yield cursor


@pytest.fixture(scope="module")
def rows(services: Services) -> Iterator[int]:
    """A table of ROWS users and one of ROWS numbers; returns the first user's id."""
    with connect_as_superuser(services) as cursor:
        cursor.execute(
            "INSERT INTO users.users_user (name) SELECT 'bulk ' || n FROM generate_series(1, %s) n"
            " RETURNING id",
            [ROWS],
        )
        first = cursor.fetchone()[0]
        cursor.execute(
            'INSERT INTO numbers.random_numbers_generatednumber (user_id, "limit", number)'
            " SELECT id, 1000, id %% 1000 FROM users.users_user WHERE id >= %s",
            [first],
        )
        # What autovacuum would do a minute later.
        cursor.execute("ANALYZE")
        yield first
        cursor.execute("TRUNCATE numbers.random_numbers_generatednumber")
        cursor.execute("DELETE FROM users.users_user WHERE id >= %s", [first])
