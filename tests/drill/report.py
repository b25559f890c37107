"""What a drill has seen: a table, and a sentence for everything that is not as promised."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.drill.ledger import Answer, Comparison, Draw, Ledger

LEGEND = """\
- acknowledged: answered by a 201 that arrived whole. The other draws were refused by a 503, or by a
  409 while a draw with the same key was at work, or had no answer.
- lost: a number that was acknowledged and is not in the table, or the rest of a batch.
- doubled: a row more than was asked for, or a second answer for one Idempotency-Key.
- no answer: the connection broke, or the client hung up.
- lists whole: each has every number that was acknowledged before it was asked for.
- slowest answer: {longest:.0f} s are allowed, and as long as the clients themselves waited for a
  processor meanwhile, at most {lateness:.2f} s.
- healed after: how long requests went on to fail once what was broken had been put back or, where
  clients have to be served in spite of the fault, once it had begun.
"""
HEAD = [
    "fault",
    "draws sent",
    "acknowledged",
    "lost",
    "doubled",
    "503",
    "no answer",
    "lists whole",
    "slowest answer",
    "healed after",
]


@dataclass
class Outcome:
    """What came of a fault."""

    title: str
    ledger: Ledger
    lateness: float = 0.0  # seconds by which the drill itself was late, at most
    healed: float | None = None  # seconds; None if that did not happen
    is_felt: bool = True
    impossible: str = ""  # why it could not be caused
    comparison: Comparison = field(default_factory=Comparison)

    @property
    def slowest(self) -> float:
        """Return the seconds that the slowest answer, or the lack of one, took."""
        return max((answer.seconds for answer in answers(self.ledger)), default=0.0)


def answers(ledger: Ledger) -> list[Answer]:
    """Return all answers, to draws and to lists."""
    return [answer for _, answer in ledger.draws] + ledger.lists


def complaints(outcome: Outcome, longest: float) -> Iterator[str]:
    """Yield a sentence for everything that is not as promised."""
    if outcome.impossible:
        return
    ledger, compared = outcome.ledger, outcome.comparison
    if compared.lost or compared.doubled:
        yield f"{compared.lost} numbers were lost and {compared.doubled} doubled"
    yield from compared.examples
    yield from dict.fromkeys(ledger.hidden)
    if outcome.slowest > longest + outcome.lateness:
        yield f"an answer took {outcome.slowest:.1f} s"
    if outcome.healed is None:
        yield "it did not heal by itself"
    if not outcome.is_felt:
        yield "no request failed, so that nothing was shown"
    yield from improper(ledger)
    if unfinished := unfinished_draws(ledger):
        yield f"{len(unfinished)} draws with a key never succeeded, such as {unfinished[0]}"


def improper(ledger: Ledger) -> Iterator[str]:
    """Yield a sentence for each kind of answer that a client cannot expect."""
    expected = {200, 201, 409, 503, None}
    for status, number in Counter(answer.status for answer in answers(ledger)).items():
        if status not in expected:
            yield f"{number} answers had the status {status}"
    bare = [one for one in answers(ledger) if one.status in (409, 503) and not says_what_to_do(one)]
    if bare:
        yield f"{len(bare)} refusals lack Retry-After or a sentence, such as {bare[0].body[:200]!r}"


def says_what_to_do(answer: Answer) -> bool:
    """Return whether a refusal has what the contract promises."""
    try:
        return answer.has_retry_after and bool(json.loads(answer.body)["error"])
    except (ValueError, KeyError, TypeError):
        return False


def unfinished_draws(ledger: Ledger) -> list[Draw]:
    """Return the draws with a key that were sent, and never acknowledged."""
    succeeded = {draw for draw, answer in ledger.draws if answer.status == 201}
    return [
        draw
        for draw in dict.fromkeys(one for one, _ in ledger.draws)
        if draw.key and draw not in succeeded
    ]


def text(outcomes: list[Outcome], place: str, longest: float) -> str:
    """Return what was seen, and what the figures mean."""
    lateness = max((outcome.lateness for outcome in outcomes), default=0.0)
    legend = LEGEND.format(longest=longest, lateness=lateness)
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    return f"Drilled on {day}, {place}:\n\n{legend}\n{table(outcomes)}"


def table(outcomes: list[Outcome]) -> str:
    """Return a table that is easy to read both in a terminal and as Markdown."""
    lines = [HEAD, *(cells(outcome) for outcome in outcomes)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines.insert(1, rule)
    return "".join(
        f"| {line[0]:{widths[0]}} | "
        + " | ".join(f"{cell:>{width}}" for cell, width in zip(line[1:], widths[1:], strict=True))
        + " |\n"
        for line in lines
    )


def cells(outcome: Outcome) -> list[str]:
    """Return a fault's line of the table."""
    if outcome.impossible:
        title = f"{outcome.title}: not possible here, {outcome.impossible}"
        return [title, *[""] * (len(HEAD) - 1)]
    drawn = Counter(answer.status for _, answer in outcome.ledger.draws)
    seen = Counter(answer.status for answer in answers(outcome.ledger))
    return [
        outcome.title,
        f"{drawn.total():,}",
        f"{drawn[201]:,}",
        f"{outcome.comparison.lost:,}",
        f"{outcome.comparison.doubled:,}",
        f"{seen[503]:,}",
        f"{seen[None]:,}",
        f"{seen[200]:,}",
        f"{outcome.slowest:.2f} s",
        "never" if outcome.healed is None else f"{outcome.healed:.1f} s",
    ]
