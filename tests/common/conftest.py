"""A superuser, for what the services' own roles may not do."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest


@pytest.fixture
def superuser() -> Iterator[psycopg2.extensions.cursor]:
    """A superuser's cursor in the test database; each statement commits."""
    with closing(
        psycopg2.connect(
            host=os.environ["DB_HOST"],
            port=os.environ["DB_PORT"],
            dbname=os.environ["DB_NAME"],
            user="postgres",
            password=Path(os.environ["DB_ADMIN_PASSWORD_FILE"]).read_text().strip(),
        )
    ) as connection:
        connection.autocommit = True
        yield connection.cursor()
