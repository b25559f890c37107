"""Verifiable draws, where DRAW_SECRET is set: numbers that can be recomputed when a day has ended.

Each day has a key. Its hash, the commitment, is published before the day begins, and the key itself
afterwards. The numbers of a draw with an Idempotency-Key follow from the day's key and the request,
so that the service could not choose them when it saw the request. verify.py recomputes them.

The operator knows the secret: this does not protect against an operator who tells it to somebody,
or who refuses draws. If you need that, use a public beacon such as drand.
"""

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from django.conf import settings

VERSION = "random-v1"
AHEAD = timedelta(days=7)  # how long before a day its commitment is published
# How long after a day its key is published: the clocks of the service's processes may differ.
DELAY = timedelta(minutes=5)
LISTED = 30  # ended days in the list; older ones are found by their date


class Commitment(NamedTuple):
    """What is published about a day."""

    day: date
    commitment: str  # hexadecimal SHA-256 of the key
    key: str | None  # hexadecimal, None before the day has ended


def today() -> date:
    """Return the day, in UTC, whose key draws use now."""
    return datetime.now(UTC).date()


def key_of(day: date) -> bytes:
    """Return the key of a day."""
    return hmac.digest(settings.DRAW_SECRET.encode(), day.isoformat().encode(), "sha256")


def commitment_of(day: date) -> str:
    """Return the hash of a day's key."""
    return hashlib.sha256(key_of(day)).hexdigest()


def publish(day: date) -> Commitment | None:
    """Return what is published about a day, or None if it is too far ahead."""
    now = datetime.now(UTC)
    if day > (now + AHEAD).date():
        return None
    has_ended = day < (now - DELAY).date()
    return Commitment(day, commitment_of(day), key_of(day).hex() if has_ended else None)


def published() -> list[Commitment]:
    """Return the days ahead, today, and the last ended days, newest first."""
    newest = today() + AHEAD
    days = [newest - timedelta(days=ago) for ago in range(AHEAD.days + 1 + LISTED)]
    return [one for one in map(publish, days) if one]


def proof_of(day: date) -> dict[str, str]:
    """Return the part of an answer that makes it a receipt."""
    return {"version": VERSION, "day": day.isoformat(), "commitment": commitment_of(day)}


def stream(day: date, key: str, user: str, limit: int, count: int) -> Callable[[int], bytes]:
    """Return a source of bytes for a draw, in the place of os.urandom, always the same."""
    name = hashlib.sha256(user.encode()).hexdigest()
    message = "\n".join([VERSION, day.isoformat(), key, name, str(limit), str(count)])
    return shake(hmac.digest(key_of(day), message.encode(), "sha256"))


def shake(seed: bytes) -> Callable[[int], bytes]:
    """Return a function that returns the next bytes of SHAKE-256 of a seed."""
    state, start = hashlib.shake_256(seed), 0

    def read(size: int) -> bytes:
        nonlocal start
        start += size
        return state.digest(start)[start - size :]

    return read
