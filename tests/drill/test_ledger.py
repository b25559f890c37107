"""The comparison of answers with rows, and what a report complains about."""

import json

import pytest

from tests.drill.comparison import Row, compare
from tests.drill.complaints import Outcome, complaints
from tests.drill.ledger import Answer, Draw, Ledger
from tests.drill.report import table

PLAIN = Draw("ankur", 6)
BATCH = Draw("ankur", 7, count=2)
KEYED = Draw("ankur", 8, key="k")
BROKEN = Answer(0, 1, None)
REFUSED = Answer(0, 1, 503, b'{"error": "Try again."}', has_retry_after=True)


def acknowledged(*numbers: tuple[int, int]) -> Answer:
    """An answer with ids and numbers."""
    rows = [{"id": pk, "randomNumber": number} for pk, number in numbers]
    body = rows[0] if len(rows) == 1 else {"randomNumbers": rows}
    return Answer(0, 1, 201, json.dumps(body).encode())


def row(pk: int, draw: Draw, number: int) -> Row:
    return (pk, draw.user, draw.limit, number)


@pytest.mark.parametrize(
    ("draws", "rows", "lost", "doubled"),
    [
        ([(PLAIN, acknowledged((1, 4)))], [row(1, PLAIN, 4)], 0, 0),
        ([(PLAIN, acknowledged((1, 4)))], [], 1, 0),
        ([(PLAIN, acknowledged((1, 4)))], [row(1, PLAIN, 5)], 1, 0),
        ([(PLAIN, acknowledged((1, 4)))], [row(1, KEYED, 4)], 1, 1),
        ([(PLAIN, acknowledged((1, 4)))], [row(1, PLAIN, 4), row(2, PLAIN, 4)], 0, 1),
        ([(PLAIN, BROKEN)], [], 0, 0),
        ([(PLAIN, REFUSED)], [row(1, PLAIN, 4)], 0, 0),
        ([(PLAIN, BROKEN)], [row(1, PLAIN, 4), row(2, PLAIN, 4)], 0, 1),
        ([(BATCH, acknowledged((1, 4), (2, 5)))], [row(1, BATCH, 4), row(2, BATCH, 5)], 0, 0),
        ([(BATCH, acknowledged((1, 4), (2, 5)))], [row(1, BATCH, 4)], 1, 0),
        ([(BATCH, BROKEN)], [row(1, BATCH, 4)], 1, 0),
        ([(KEYED, acknowledged((1, 4)))] * 2, [row(1, KEYED, 4)], 0, 0),
        ([(KEYED, BROKEN), (KEYED, acknowledged((1, 4)))], [row(1, KEYED, 4)], 0, 0),
        (
            [(KEYED, BROKEN), (KEYED, acknowledged((2, 5)))],
            [(1, "ankur", 8, 4), row(2, KEYED, 5)],
            0,
            1,
        ),
        ([(KEYED, acknowledged((1, 4))), (KEYED, acknowledged((2, 4)))], [row(1, KEYED, 4)], 1, 1),
        ([], [row(1, PLAIN, 4)], 0, 1),
    ],
)
def test_answers_are_compared_with_rows(
    draws: list[tuple[Draw, Answer]], rows: list[Row], lost: int, doubled: int
) -> None:
    compared = compare(Ledger("ankur", draws=draws), rows)
    assert (compared.lost, compared.doubled) == (lost, doubled)


def outcome(*draws: tuple[Draw, Answer], **fields: object) -> Outcome:
    """The outcome of a fault after which all was well."""
    ledger = Ledger("ankur", draws=list(draws))
    return Outcome("fire", ledger, comparison=compare(ledger, []), **{"healed": 0.0, **fields})


@pytest.mark.parametrize(
    ("one", "complaint"),
    [
        (outcome((PLAIN, acknowledged((1, 4)))), "1 numbers were lost and 0 doubled"),
        (outcome((PLAIN, Answer(0, 5.3, 503, REFUSED.body, True))), "an answer took 5.3 s"),
        (outcome((PLAIN, Answer(0, 5.3, None)), lateness=0.2), "an answer took 5.3 s"),
        (outcome(healed=None), "it did not heal by itself"),
        (outcome(is_felt=False), "no request failed, so that nothing was shown"),
        (outcome((PLAIN, Answer(0, 1, 500))), "1 answers had the status 500"),
        (outcome((PLAIN, Answer(0, 1, 503, b"Sorry"))), "1 refusals lack Retry-After"),
        (outcome((KEYED, REFUSED)), "1 draws with a key never succeeded"),
    ],
)
def test_what_is_not_as_promised_is_said(one: Outcome, complaint: str) -> None:
    assert any(sentence.startswith(complaint) for sentence in complaints(one, 5))


@pytest.mark.parametrize(
    "one",
    [
        outcome((PLAIN, REFUSED), (PLAIN, BROKEN)),
        outcome((PLAIN, Answer(0, 5.3, None)), lateness=0.4),
        outcome((PLAIN, Answer(0, 60.0, None)), is_silent=True),
        Outcome("fire", Ledger("ankur"), impossible="there is no wood"),
    ],
)
def test_nothing_is_said_of_what_is_as_promised(one: Outcome) -> None:
    assert list(complaints(one, 5)) == []


def test_a_fault_that_cannot_be_caused_is_in_the_table_with_the_reason() -> None:
    text = table([Outcome("fire", Ledger("ankur"), impossible="there is no wood")])
    assert "| fire: not possible here, there is no wood |" in text
