"""Runs both services' manage.py, and connects as a superuser."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from django.db import connection

from local_stack import OWNER_WORDS
from tests.conftest import ROOT


def manage(service: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a service's management command as in production, in a separate process."""
    base = {key: value for key, value in os.environ.items() if key != "SECURE_SSL_REDIRECT"}
    base |= {
        "DJANGO_SETTINGS_MODULE": f"{service}_project.settings",
        **login(service, is_owner=words[0] in OWNER_WORDS),
        "SECRET_KEY": "0123456789 a long key for this test alone, with öther characters",
    }
    command = [sys.executable, ROOT / f"{service}_project/manage.py", *words]
    return subprocess.run(
        command, env={**base, **environment}, cwd="/", capture_output=True, text=True
    )


def login(service: str, is_owner: bool = False) -> dict[str, str]:
    """Return the settings with which a service logs in, or the owner of its tables."""
    role, variable = ("owner", "OWNER_DB_PASSWORD") if is_owner else ("service", "DB_PASSWORD")
    file = os.environ[f"{service.upper()}_{variable}_FILE"]
    return {"DB_USER": f"{service}_{role}", "DB_PASSWORD_FILE": file}


@pytest.fixture(autouse=True)
def closed_connection() -> None:
    """Close the connection that an earlier test has left open.

    At the end of a request Django looks at it, which a test without a database may not.
    """
    if not connection.in_atomic_block:
        connection.close()


@pytest.fixture
def superuser() -> Iterator[psycopg2.extensions.cursor]:
    """A superuser's cursor in the test database, in autocommit mode."""
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
