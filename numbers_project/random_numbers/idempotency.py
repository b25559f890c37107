"""Draws that a client may repeat safely, with the header Idempotency-Key.

The numbers and the answer are saved in one transaction, and a repeat gets the saved answer. The
header is that of the IETF's draft "The Idempotency-Key HTTP Header Field", and of Stripe's API.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, NamedTuple

import orjson
from django.conf import settings
from django.db import connection, transaction
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request

from common.database.coalescing import coalesced
from numbers_project.random_numbers import commitments
from numbers_project.random_numbers.generator import draw
from numbers_project.random_numbers.queries import (
    Draw,
    Saved,
    SavedBatch,
    insert_batch,
    insert_draws,
)
from numbers_project.random_numbers.serializers import UNKNOWN_USER, GeneratedNumberSerializer

HEADER = "Idempotency-Key"
REPLAYED = {"Idempotent-Replayed": "true"}
VISIBLE_ASCII = re.compile(r"[\x21-\x7e]{1,255}")
INVALID_KEY = f"{HEADER}: Send 1 to 255 visible ASCII characters, without spaces."


class InProgress(APIException):
    """409: the first request with the key has not been answered yet."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = f"A request with this {HEADER} is in progress. Send it again in a moment."
    wait = 1  # Retry-After, in seconds


class KeyReused(APIException):
    """422: the key was used for another request."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_detail = f"This {HEADER} was used for another request. Use a new key for each draw."


class UnknownUser(ValidationError):
    """400: the user is not registered."""

    default_detail = {"user": [UNKNOWN_USER]}


@dataclass(frozen=True)
class KeyedDraw:
    """A request to draw, and the key that its repeats have too."""

    key: str
    user: str
    limit: int
    count: int | None = None  # None for a single number, whose answer has another form

    @property
    def request(self) -> str:
        """Return what has to be the same in a repeat."""
        return orjson.dumps([self.user, self.limit, self.count]).decode()


class Answer(NamedTuple):
    """The answer to a draw."""

    json: str
    is_replay: bool


class SavedAnswer(NamedTuple):
    """What is saved for a key."""

    request: str
    json: str


Outcome = Answer | APIException
ANSWER = GeneratedNumberSerializer()
# Each key takes a lock in PostgreSQL's lock table, which has some thousands for all connections.
MAX_BATCH_SIZE = 100
# For each key that is saved, at most so many expired ones are deleted, which keeps the table small
# without a scheduler and without a slow request.
FORGOTTEN = 2
# The requests of this process, so that a repeat does not wait for the batch of the first.
_in_progress: dict[str, KeyedDraw] = {}


def read_key(request: Request) -> str | None:
    """Return a request's key, or None if it has none; raise a 400 if it is invalid.

    Where clients have tokens, each has keys of its own.
    """
    key: str | None = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is not None and not VISIBLE_ASCII.fullmatch(key):
        raise ValidationError(INVALID_KEY)
    return f"{key} {request.user}" if key and request.auth else key


def draw_once(key: str, request: Mapping[str, Any]) -> Answer:
    """Return the answer to a draw with a key: the saved one, or that to a new draw.

    Raises InProgress, KeyReused or UnknownUser, and then saves nothing.
    """
    keyed = KeyedDraw(key, **request)
    if _in_progress.setdefault(key, keyed) is not keyed:
        raise InProgress()
    try:
        # Concurrent single draws share their statements; one draw of many numbers has its own.
        run = answer_once if keyed.count is None else answer_once.function
        (answer,) = run([keyed])
    finally:
        del _in_progress[key]
    if isinstance(answer, APIException):
        raise answer
    return answer


@partial(coalesced, max_batch_size=MAX_BATCH_SIZE)
def answer_once(draws: Sequence[KeyedDraw]) -> list[Outcome]:
    """Return the outcome of each draw; draw and save numbers for the keys that are new.

    No two draws may have the same key.
    """
    keys = [draw.key for draw in draws]
    with transaction.atomic():
        locked = lock(keys)
        # A statement of its own, which sees what the previous holder of a lock has committed.
        saved = select_answers(keys)
        new = insert_answers([one for one in draws if one.key in locked and one.key not in saved])
    return [outcome(one, saved.get(one.key), new.get(one.key), one.key in locked) for one in draws]


def outcome(
    draw: KeyedDraw, saved: SavedAnswer | None, new: SavedAnswer | None, is_locked: bool
) -> Outcome:
    """Return the outcome of a draw, which has a saved answer, a new one, or none."""
    if new:
        return Answer(new.json, is_replay=False)
    if saved is None:
        return UnknownUser() if is_locked else InProgress()
    return Answer(saved.json, is_replay=True) if saved.request == draw.request else KeyReused()


def lock(keys: Iterable[str]) -> set[str]:
    """Lock keys until the end of the transaction, and return those that nobody else has locked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key FROM unnest(%s::text[]) AS key"
            " WHERE pg_try_advisory_xact_lock(hashtextextended(key, 0))",
            [list(keys)],
        )
        return {key for (key,) in cursor.fetchall()}


def select_answers(keys: Iterable[str]) -> dict[str, SavedAnswer]:
    """Return the saved answers by key."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key, request, answer FROM random_numbers_idempotencykey WHERE key = ANY(%s)",
            [list(keys)],
        )
        return {key: SavedAnswer(*columns) for key, *columns in cursor.fetchall()}


def insert_answers(draws: Sequence[KeyedDraw]) -> dict[str, SavedAnswer]:
    """Draw and save numbers, save the answers, and return them by key, without unknown users."""
    day = commitments.today()
    proof = {"proof": commitments.proof_of(day)} if settings.DRAW_SECRET else {}
    answers = {}
    for one, drawn in zip(draws, insert_numbers(draws, day), strict=True):
        if drawn:
            answer = {**ANSWER.to_representation(drawn), **proof}
            answers[one.key] = SavedAnswer(one.request, orjson.dumps(answer).decode())
    if answers:
        rows = [(key, *answer) for key, answer in answers.items()]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT forget_idempotency_keys(%s);"
                " INSERT INTO random_numbers_idempotencykey (key, request, answer)"
                " SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])",
                [FORGOTTEN * len(rows), *([*column] for column in zip(*rows, strict=True))],
            )
    return answers


def insert_numbers(draws: Sequence[KeyedDraw], day: date) -> list[Saved | SavedBatch | None]:
    """Draw and save numbers: for any number of single draws, or for one draw of `count` numbers."""
    match draws:
        case []:
            return []
        case [KeyedDraw(_, user, limit, int()) as one]:
            return [insert_batch(user, limit, draw_numbers(one, day))]
    return [*insert_draws([Draw(one.user, one.limit, *draw_numbers(one, day)) for one in draws])]


def draw_numbers(one: KeyedDraw, day: date) -> list[int]:
    """Draw the numbers of a request: at random, or so that they can be verified."""
    count = one.count or 1
    if not settings.DRAW_SECRET:
        return draw(one.limit, count)
    # A token's subject may follow the key that the client has sent.
    key = one.key.partition(" ")[0]
    return draw(one.limit, count, commitments.stream(day, key, one.user, one.limit, count))
