"""What came of a fault, and a sentence for everything that is not as promised."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.drill.comparison import Comparison
from tests.drill.ledger import Answer, Draw, Ledger


@dataclass
class Outcome:
    """What came of a fault."""

    title: str
    ledger: Ledger
    lateness: float = 0.0  # seconds by which the drill itself was late, at most
    healed: float | None = None  # seconds; None if that did not happen
    is_felt: bool = True
    is_silent: bool = False  # requests without an answer may take as long as their clients wait
    impossible: str = ""  # why it could not be caused
    comparison: Comparison = field(default_factory=Comparison)

    @property
    def slowest(self) -> float:
        """Return the seconds that the slowest answer, or the lack of one, took."""
        counted = [one for one in answers(self.ledger) if one.status or not self.is_silent]
        return max((answer.seconds for answer in counted), default=0.0)


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
