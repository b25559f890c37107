"""HTTP clients of both services, and tables with many rows."""

import os
import re
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
def admin(services: Services) -> Iterator[httpx.Client]:
    """A client that is signed in to the admin of users; elsewhere it needs ADMIN_PASSWORD."""
    if services.state is None and "ADMIN_PASSWORD" not in os.environ:
        pytest.skip("needs ADMIN_PASSWORD, since USERS_URL names services elsewhere")
    with signed_in(services, services.users) as client:
        yield client


@contextmanager
def signed_in(services: Services, url: str) -> Iterator[httpx.Client]:
    """Open a client that is signed in to a service's admin."""
    with httpx.Client(base_url=url, timeout=30) as client:
        (token,) = re.findall(
            'csrfmiddlewaretoken" value="(.*?)"', client.get("/admin/login/").text
        )
        form = {"username": "admin", "password": services.admin_password}
        answer = client.post("/admin/login/", data={**form, "csrfmiddlewaretoken": token})
        assert answer.status_code == 302
        yield client


@pytest.fixture
def user(users: httpx.Client, name: str) -> str:
    """The name of a user who has just been registered."""
    assert users.post("/users", json={"name": name}).status_code == 201
    return name


@contextmanager
def connect_as_superuser(services: Services) -> Iterator[psycopg2.extensions.cursor]:
    """Open a superuser's cursor; skip the test if the tests did not start the database."""
    with closing(psycopg2.connect(superuser_dsn(services))) as connection:
        connection.autocommit = True
        yield connection.cursor()


def superuser_dsn(services: Services) -> str:
    """Return the libpq DSN of the database's superuser: SUPERUSER_DSN, or that of our own."""
    if "SUPERUSER_DSN" in os.environ:
        return os.environ["SUPERUSER_DSN"]
    if services.state is None:
        pytest.skip("needs a database of its own, but USERS_URL names services elsewhere")
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
    """ROWS additional users and a number for each; the value is the first user's id."""
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
        # Autovacuum would do this a minute later.
        cursor.execute("ANALYZE")
        yield first
        cursor.execute("TRUNCATE numbers.random_numbers_generatednumber")
        cursor.execute("DELETE FROM users.users_user WHERE id >= %s", [first])
