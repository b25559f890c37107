"""Compares what was answered with the rows in PostgreSQL."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.drill.ledger import Draw, Ledger, numbers_of

Row = tuple[int, str, int, int]  # id, name of the user, limit, number


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
