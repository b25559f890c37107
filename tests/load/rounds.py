"""Turns and rounds: what happens in one turn of a subject, and where it is written down."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.load.client import Load, wrk
from tests.load.database import NAME, NUMBERS, USERS, Database, Wrong
from tests.load.processes import Service
from tests.load.report import Report
from tests.load.subjects import Subject

GENERATE, REGISTER = "/generate-random-number", "/users"

RATE = "Requests per second"
LATENCY = "p99, milliseconds"
CPU = "Service's CPU per request, microseconds"


@dataclass
class Bench:
    """Everything that a stage needs."""

    database: Database
    subjects: list[Subject]
    rounds: int
    seconds: int
    sizes: list[int]
    folder: Path
    report: Report = field(default_factory=Report)
    series: int = 0

    @property
    def ours(self) -> Subject:
        """Return the services that all this is about."""
        return self.subjects[0]

    def turns(self, *left_out: str, once: tuple[str, ...] = ()) -> Iterator[Subject]:
        """Yield the subjects round by round, to and fro, so that a drift hits all alike.

        Those in `once` take part in the first round only.
        """
        subjects = [subject for subject in self.subjects if subject.name not in left_out]
        for turn in range(self.rounds):
            yield from subjects if turn % 2 == 0 else reversed(subjects)
            subjects = [subject for subject in subjects if subject.name not in once]

    def load(
        self, service: Service, path: str, connections: int, at_least: int = 1, **more: Any
    ) -> Load:
        """Load a service, and see what CPU time it needs."""
        before = service.cpu_seconds()
        load = wrk(service.url + path, connections, max(self.seconds, at_least), **more)
        load.cpu = (service.cpu_seconds() - before) / load.requests * 1e6
        service.wait_until_idle()
        return load

    def record(self, row: str, subject: Subject, load: Load) -> None:
        """Take down what a load has shown."""
        self.report.row(RATE, row).add(subject.name, load.rate)
        self.report.row(LATENCY, row).add(subject.name, load.p99)
        self.report.row(CPU, row).add(subject.name, load.cpu)

    def generate(self, subject: Subject, connections: int, has_keys: bool = False) -> Load:
        """Draw numbers, and look for each that was acknowledged."""
        self.series += 1
        body = f'{{"user":"{NAME}","limit":1000}}'
        key = f"series-{self.series}-*" if has_keys else ""
        load = self.post(subject.numbers, GENERATE, NUMBERS, connections, body, key)
        for answer in load.answers:
            require(answer["user"] == NAME and answer["limit"] == 1000, f"It answered {answer}")
            require(0 <= answer["randomNumber"] <= 1000, f"It answered {answer}")
        drawn = [(answer["id"], answer["randomNumber"]) for answer in load.answers]
        self.database.require_saved(NUMBERS, "number", drawn)
        return load

    def register(self, subject: Subject, connections: int) -> Load:
        """Register users, and look for each that was acknowledged."""
        self.series += 1
        body = f'{{"name":"series-{self.series}-*"}}'
        load = self.post(subject.users, REGISTER, USERS, connections, body)
        registered = [(answer["id"], answer["name"]) for answer in load.answers]
        self.database.require_saved(USERS, "name", registered)
        return load

    def post(
        self, service: Service, path: str, table: str, connections: int, body: str, key: str = ""
    ) -> Load:
        """Load a service with POSTs, and count the rows that they add."""
        before = self.database.count(table)
        kept = self.folder / "answers"
        load = self.load(service, path, connections, body=body, answers=kept, key=key)
        added = self.database.count(table) - before
        # Requests that were on their way when wrk hung up may have been served.
        require(
            load.requests == len(load.answers) <= added <= load.requests + connections,
            f"{path}: {load.requests} were acknowledged, {added} rows were added.",
        )
        return load


def require(condition: bool, sentence: str) -> None:
    """Raise Wrong where a condition does not hold."""
    if not condition:
        raise Wrong(sentence)
