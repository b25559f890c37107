"""What was sent and what was answered, and its comparison with the rows in PostgreSQL."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

Row = tuple[int, str, int, int]  # id, name of the user, limit, number


@dataclass(frozen=True)
class Draw:
    """What a client asks for. No other draw has the same user and limit: its rows can be told."""

    user: str
    limit: int
    count: int | None = None
    key: str | None = None  # the Idempotency-Key; a draw without one is sent once

    @property
    def size(self) -> int:
        """Return how many numbers it saves."""
        return self.count or 1

    def body(self) -> bytes:
        """Return the body of its requests."""
        fields = {"user": self.user, "limit": self.limit, "count": self.count}
        return json.dumps({name: one for name, one in fields.items() if one}).encode()

    def headers(self) -> dict[str, str]:
        """Return the headers of its requests."""
        key = {"Idempotency-Key": self.key} if self.key else {}
        return {"Content-Type": "application/json", **key}


@dataclass
class Answer:
    """What came of a request; the status is None where no whole answer arrived."""

    start: float
    end: float
    status: int | None
    body: bytes = b""
    has_retry_after: bool = False

    @property
    def seconds(self) -> float:
        """Return how long the client waited."""
        return self.end - self.start

    @property
    def succeeded(self) -> bool:
        """Return whether it is what the client asked for."""
        return self.status in (200, 201)


@dataclass
class Ledger:
    """Everything that the clients of a fault have sent and received."""

    users: str  # how the names of their users begin
    after: int = 0  # the largest id that was saved before
    settled: int | None = None  # how many of `acknowledged` a replica has, where there is one
    draws: list[tuple[Draw, Answer]] = field(default_factory=list)
    lists: list[Answer] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)  # ids, in the order of their answers
    hidden: list[str] = field(default_factory=list)  # what is wrong with lists that looked whole

    def due(self) -> int:
        """Return how many of the acknowledged numbers a list that begins now must contain."""
        known = len(self.acknowledged)
        return known if self.settled is None else min(known, self.settled)


def numbers_of(body: bytes) -> list[tuple[int, int]]:
    """Return the ids and numbers of an answer to a draw."""
    answer = json.loads(body)
    rows = answer.get("randomNumbers") or [answer]
    return [(row["id"], row["randomNumber"]) for row in rows]


@dataclass
class Comparison:
    """How many numbers were lost, or drawn more often than asked for, with the first of each."""

    lost: int = 0
    doubled: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, lost: int, doubled: int, draw: Draw, rows: list[tuple[int, int]]) -> None:
        """Take down what is wrong with a draw."""
        self.lost += lost
        self.doubled += doubled
        if (lost or doubled) and len(self.examples) < 3:
            self.examples.append(f"{draw}: {lost} lost, {doubled} doubled; saved are {rows}")


def compare(ledger: Ledger, rows: Iterable[Row]) -> Comparison:
    """Compare every answer with the rows.

    Lost is a number that was acknowledged and is not saved, and the rest of a batch that is saved
    in part. Doubled is each row beyond those that a draw asked for, and each further answer to one
    key. A draw that was not acknowledged may be saved or not: its client does not know either.
    """
    saved: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
    for pk, user, limit, number in rows:
        saved[user, limit].append((pk, number))
    answers: dict[Draw, set[bytes]] = {}
    for draw, answer in ledger.draws:
        acknowledged = answers.setdefault(draw, set())
        if answer.status == 201:
            acknowledged.add(answer.body)
    result = Comparison()
    for draw, bodies in answers.items():
        its_own = saved.pop((draw.user, draw.limit), [])
        result.add(*wrong(draw, bodies, its_own), draw, its_own)
    for (user, limit), unasked in saved.items():
        result.add(0, len(unasked), Draw(user, limit), unasked)
    return result


def wrong(draw: Draw, bodies: set[bytes], rows: list[tuple[int, int]]) -> tuple[int, int]:
    """Return how many numbers of a draw are lost, and how many are doubled."""
    acknowledged = {pair for body in bodies for pair in numbers_of(body)}
    lost = len(acknowledged - set(rows))
    if rows and not acknowledged:
        lost = max(0, draw.size - len(rows))
    surplus = max(0, len(rows) - draw.size)
    return lost, max(surplus, len(bodies) - 1)


def kinds(ledger: Ledger) -> Counter[int | None]:
    """Return how many requests had each status, and None for those without an answer."""
    return Counter(answer.status for answer in [one for _, one in ledger.draws] + ledger.lists)
