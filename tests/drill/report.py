"""What a drill has seen, as a table."""

from collections import Counter
from datetime import UTC, datetime

from tests.drill.clients import GIVE_UP
from tests.drill.complaints import Outcome, answers

LEGEND = """\
- acknowledged: answered by a 201 that arrived whole. The other draws were refused by a 503, or by a
  409 while a draw with the same key was at work, or had no answer.
- lost: a number that was acknowledged and is not in the table, or the rest of a batch.
- doubled: a row more than was asked for, or a second answer for one Idempotency-Key.
- no answer: the connection broke, or the client hung up, or had waited for {give_up:.0f} s.
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


def text(outcomes: list[Outcome], place: str, longest: float) -> str:
    """Return what was seen, and what the figures mean."""
    lateness = max((outcome.lateness for outcome in outcomes), default=0.0)
    legend = LEGEND.format(longest=longest, lateness=lateness, give_up=GIVE_UP)
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
