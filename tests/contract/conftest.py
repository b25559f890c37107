"""Clients of both services, and rows in bulk."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx
import psycopg2
import pytest

from tests.conftest import Services


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
    """Open a superuser's cursor, where the database is the one that was started for the tests."""
    if services.state is None:
        pytest.skip("needs a database of its own, and USERS_URL names services that run elsewhere")
    status = services.manage_all("status").stdout
    port = status.split("postgres: running on 127.0.0.1:")[1].split(",")[0]
    password = (services.state / "secrets" / "postgres").read_text().strip()
    with closing(
        psycopg2.connect(
            host="127.0.0.1", port=port, dbname="random", user="postgres", password=password
        )
    ) as connection:
        connection.autocommit = True
        yield connection.cursor()


@pytest.fixture
def superuser(services: Services) -> Iterator[psycopg2.extensions.cursor]:
    with connect_as_superuser(services) as cursor:
        yield cursor
