"""The PostgreSQL below the services: what is in its tables, and what it can do by itself."""

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from local_postgres import LocalPostgres

USERS = "users.users_user"
NUMBERS = "numbers.random_numbers_generatednumber"
CONNECTIONS = 200
NAME = "bench"  # the user for whom numbers are drawn

# What each service sends, for pgbench.
STATEMENT = f"""\\set number random(0, 1000)
INSERT INTO {NUMBERS} (user_id, "limit", number)
SELECT id, :limit, :number FROM {USERS} WHERE name = :name
RETURNING id, user_id, created_at
"""


class Wrong(Exception):
    """An answer, or what is in the tables, is not what it should be."""


@dataclass
class Database:
    """The database that manage_all.sh has made in a state folder, entered as its superuser."""

    state: Path
    size: int | None = None

    def __post_init__(self) -> None:
        self.server = LocalPostgres(self.state)
        self.connect()
        # For all services that take turns; each keeps the connections that it has opened.
        self.run(f"ALTER SYSTEM SET max_connections = {CONNECTIONS}")
        self.connection.close()
        self.server.stop()
        self.server.start()
        self.connect()

    def connect(self) -> None:
        """Enter the database as its superuser; each statement commits."""
        self.connection = psycopg2.connect(
            host="127.0.0.1",
            port=self.server.port(),
            dbname="random",
            user="postgres",
            password=self.secret("postgres"),
        )
        self.connection.autocommit = True

    def secret(self, name: str) -> str:
        """Return a password that manage_all.sh has made."""
        return (self.state / "secrets" / name).read_text().strip()

    def environment(self, service: str) -> dict[str, str]:
        """Return what libpq and asyncpg read, for the role of a service."""
        return {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.server.port()),
            "PGDATABASE": "random",
            "PGUSER": f"{service}_service",
            "PGPASSWORD": self.secret(f"{service}_db"),
        }

    def run(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run a statement, and return its rows."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def value(self, statement: str, *parameters: Any) -> Any:
        """Return the one value of a query."""
        return self.run(statement, *parameters)[0][0]

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        return int(self.value(f"SELECT count(*) FROM {table}"))

    def settings(self) -> dict[str, str]:
        """Return the settings that decide what an acknowledged row is worth."""
        names = ("fsync", "synchronous_commit", "full_page_writes", "max_connections")
        return {name: self.value(f"SHOW {name}") for name in names}

    def version(self) -> str:
        """Return the server's version."""
        return str(self.value("SHOW server_version"))

    def fill(self, rows: int) -> None:
        """Leave this many users, one of them ours, and this many numbers."""
        self.run(f"TRUNCATE {USERS} RESTART IDENTITY")
        self.run(
            f"INSERT INTO {USERS} (name)"
            " SELECT CASE i WHEN 1 THEN %s ELSE 'user-' || i END FROM generate_series(1, %s) AS i",
            NAME,
            rows,
        )
        self.run(f"TRUNCATE {NUMBERS} RESTART IDENTITY")
        self.fill_numbers(NUMBERS, rows, users=rows)
        self.settle(USERS, NUMBERS)

    def fill_numbers(self, table: str, rows: int, users: int) -> None:
        """Add numbers, drawn for all users in turn."""
        self.run(
            f'INSERT INTO {table} (user_id, "limit", number)'
            " SELECT 1 + i %% %s, 1000, i %% 1001 FROM generate_series(1, %s) AS i",
            users,
            rows,
        )

    def settle(self, *tables: str) -> None:
        """Do now what the server would otherwise do while something is measured."""
        for table in tables:
            self.run(f"VACUUM ANALYZE {table}")
        self.run("CHECKPOINT")

    # Tables of several sizes take turns under the one name that the services know.

    def make_sizes(self, sizes: list[int], users: int) -> None:
        """Make a table of numbers for each size."""
        for size in sizes:
            table = f"numbers.size_{size}"
            # Made by the owner, so that the service gets the privileges of every new table.
            self.run(
                "SET ROLE numbers_owner;"
                f"CREATE TABLE {table} (LIKE {NUMBERS} INCLUDING ALL); RESET ROLE"
            )
            self.fill_numbers(table, size, users)
            self.settle(table)

    def use_size(self, size: int | None) -> None:
        """Put a table in the place of the services' own; None puts that one back."""
        if size != self.size:
            self.run(
                f"ALTER TABLE {NUMBERS} RENAME TO size_{self.size};"
                f"ALTER TABLE numbers.size_{size} RENAME TO {NUMBERS.partition('.')[2]}"
            )
            self.size = size

    def drop_sizes(self, sizes: list[int]) -> None:
        """Leave the services' own table only."""
        self.use_size(None)
        for size in sizes:
            self.run(f"DROP TABLE numbers.size_{size}")

    # Checks

    def require_saved(self, table: str, column: str, answers: list[tuple[int, Any]]) -> None:
        """Raise Wrong unless each id and value that was acknowledged is in the table, once."""
        kind = "bigint" if column == "number" else "text"
        ids, values = [pk for pk, _ in answers], [value for _, value in answers]
        found = self.value(
            f"SELECT count(*) FROM {table}"
            f" JOIN unnest(%s::bigint[], %s::{kind}[]) AS answer (id, {column})"
            f" USING (id, {column})",
            ids,
            values,
        )
        if not found == len(answers) == len(set(ids)):
            raise Wrong(f"{len(answers)} rows were acknowledged, {found} of them are in {table}.")

    # The floor

    def pgbench(self, connections: int, seconds: float) -> float:
        """Return how many numbers PostgreSQL saves per second, without a service around it."""
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
            script.write(STATEMENT)
            script.flush()
            result = subprocess.run(
                [
                    self.server.programs() / "bin" / "pgbench",
                    "--no-vacuum",
                    "--protocol=prepared",
                    f"--client={connections}",
                    f"--time={max(1, round(seconds))}",
                    f"--file={script.name}",
                    "--define=limit=1000",
                    f"--define=name={NAME}",
                ],
                env={**os.environ, **self.environment("numbers")},
                capture_output=True,
                text=True,
                check=False,
            )
        rate = re.search(r"^tps = ([\d.]+)", result.stdout, re.MULTILINE)
        if result.returncode or not rate:
            raise RuntimeError(f"pgbench failed: {result.stderr}")
        return float(rate[1])
