"""What tests and the drill do to a PostgreSQL server: enter it, freeze it, replicate it."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2

from local_postgres import LocalPostgres

REPLICA_HOST = "127.0.0.2"  # A replica listens here, on the primary's port.


def connect(state: Path, host: str = "127.0.0.1", database: str = "random") -> Any:
    """Enter the server of a state folder as its superuser; each statement commits."""
    connection = psycopg2.connect(
        host=host,
        port=(state / "postgres.port").read_text().strip(),
        dbname=database,
        user="postgres",
        password=(state / "secrets" / "postgres").read_text().strip(),
    )
    connection.autocommit = True
    return connection


def execute(state: Path, statement: str, *parameters: Any, **place: str) -> list[tuple[Any, ...]]:
    """Run a statement as the superuser over a connection of its own, and return its rows."""
    with closing(connect(state, **place)) as connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []


def processes(server: int) -> list[int]:
    """Return the process ids of a server: its first process, then its children."""
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    return [server, *map(int, children)]


def kill(server: int) -> None:
    """Kill a server, as a power cut would."""
    for pid in processes(server):
        os.kill(pid, signal.SIGKILL)


@contextmanager
def frozen(server: int) -> Iterator[None]:
    """Stop all processes of a server inside the block; clients see no closed connection."""
    os.kill(server, signal.SIGSTOP)  # first, so that it starts no other
    pids = processes(server)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(pids):  # Resume the first process last, as it was stopped first.
            os.kill(pid, signal.SIGCONT)


class Replica:
    """A streaming replica of the server of a state folder."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.server = LocalPostgres(state)
        self.server.data = self.server.home / "replica"
        self.port = (state / "postgres.port").read_text().strip()
        password = (state / "secrets" / "postgres").read_text().strip()
        source = f"host=127.0.0.1 port={self.port} user=postgres password={password}"
        data = [f"--pgdata={self.server.data}", f"--dbname={source}"]
        self.server.program("pg_basebackup", *data, "--checkpoint=fast", "--write-recovery")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses={REPLICA_HOST} -c unix_socket_directories=''"
        data = ["-D", str(self.server.data), "-l", str(self.server.log)]
        self.server.program("pg_ctl", *data, "-o", options, "-w", "start")

    def remove(self) -> None:
        """Stop it, and remove its data."""
        self.server.stop()
        shutil.rmtree(self.server.data)

    def execute(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run a statement on it."""
        return execute(self.state, statement, *parameters, host=REPLICA_HOST, database="postgres")

    @contextmanager
    def replay_paused(self) -> Iterator[None]:
        """Let it lag behind the primary inside the block."""
        self.execute("SELECT pg_wal_replay_pause()")
        try:
            yield
        finally:
            self.execute("SELECT pg_wal_replay_resume()")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Freeze it inside the block."""
        server = self.server.process_id()
        assert server, "The replica does not run."
        with frozen(server):
            yield
