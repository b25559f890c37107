"""What was sent, and what was answered."""

import json
from dataclasses import dataclass, field


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
