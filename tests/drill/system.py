"""What is drilled: services that their front script has started, and the PostgreSQL below them."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common.services import SERVICES
from local_postgres import LocalPostgres
from tests.drill import load
from tests.drill.comparison import Row
from tests.drill.ledger import Ledger
from tests.drill.load import Load, Pace
from tests.load.processes import uninterrupted
from tests.load.subjects import FrontScript
from tests.postgres import Replica, execute

NUMBERS = "numbers.random_numbers_generatednumber"
USERS = "users.users_user"
ROLE = next(service.role for service in SERVICES if service.name == "numbers")


ROWS = (
    f'SELECT number.id, name, "limit", number FROM {NUMBERS} AS number'
    f" JOIN {USERS} AS users ON users.id = user_id WHERE starts_with(name, %s)"
)
LAST_ID = f"SELECT coalesce(max(id), 0) FROM {NUMBERS}"


class NotPossible(Exception):
    """This machine, or this account, does not allow to cause a fault."""


class System:
    """The services with a database of their own, in a state folder that is thrown away."""

    def __init__(self, front_script: FrontScript) -> None:
        self.front_script = front_script
        self.state = front_script.state
        self.postgres = LocalPostgres(self.state)
        self.ledger = Ledger("")  # of the fault that is being caused
        self.replica: Replica | None = None

    @property
    def url(self) -> str:
        """Return the address of the random number service."""
        return self.front_script.url("numbers")

    def execute(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run a statement as PostgreSQL's superuser, and return its rows."""
        return execute(self.state, statement, *parameters)

    def load(self, pace: Pace) -> Load:
        """Return clients that write into the ledger."""
        return load.make(self.front_script.url("users"), self.url, self.ledger, pace)

    def register(self, kind: str, number: int) -> list[str]:
        """Register users for further clients, and return their names."""
        return load.register(self.front_script.url("users"), self.ledger, kind, number)

    def rows(self, users: str) -> list[Row]:
        """Return the numbers that are saved for the users whose names begin with some text."""
        return self.execute(ROWS, users)

    def last_id(self) -> int:
        """Return the largest id of the saved numbers."""
        return int(self.execute(LAST_ID)[0][0])

    def server(self) -> int:
        """Return the process id of PostgreSQL's first process."""
        pid = self.postgres.process_id()
        assert pid, "PostgreSQL does not run."
        return pid

    def start_postgres(self) -> None:
        """Start PostgreSQL, as its supervisor would."""
        with uninterrupted():
            self.postgres.start()

    def disconnect(self) -> None:
        """End the random number service's connections to PostgreSQL."""
        self.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s", ROLE
        )

    def up(self) -> None:
        """Start the services that do not run, as their supervisor would."""
        self.front_script.run("up", "--detach")

    def stop(self, *names: str) -> None:
        """Stop services, and wait until they have ended."""
        for name in names:
            self.front_script.service(name).stop()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the first process of the random number service."""
        os.kill(self.front_script.service("numbers").pid, number)

    def workers(self) -> list[int]:
        """Return the process ids of the random number service's workers."""
        first = self.front_script.service("numbers").pid
        return [
            int(pid) for pid in Path(f"/proc/{first}/task/{first}/children").read_text().split()
        ]

    def kill_workers(self) -> None:
        """Kill all workers of the random number service at once."""
        for pid in self.workers():
            os.kill(pid, signal.SIGKILL)

    @contextmanager
    def restarted(self, *prefix: str, **environment: str) -> Iterator[None]:
        """Run the services with more settings, or below another command, inside the block."""
        names = [service.name for service in SERVICES]
        before = self.front_script.environment
        self.stop(*names)
        self.front_script.environment = {**before, **environment}
        self.front_script.prefix = prefix
        try:
            self.up()
            yield
        finally:
            self.stop(*names)
            self.front_script.environment = before
            self.front_script.prefix = ()
            self.up()
