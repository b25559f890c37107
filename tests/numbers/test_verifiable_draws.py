"""Draws whose numbers can be recomputed when the day has ended."""

import hashlib
import json
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from common import env
from numbers_project.random_numbers import commitments, verifiable, verify
from numbers_project.random_numbers.generator import draw

DAY = date(2026, 11, 28)
DAY_KEY = bytes(range(32))
MESSAGE = "\n".join(
    ["random-v1", "2026-11-28", "raffle-1", hashlib.sha256(b"ankur").hexdigest(), "6", "3"]
)


@pytest.fixture
def a_known_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commitments, "key_of", lambda day: DAY_KEY)


def openssl(*arguments: str, stdin: bytes) -> bytes:
    program = shutil.which("openssl")
    assert program, "openssl is missing. On Debian and Ubuntu: apt install openssl"
    return subprocess.run(
        [program, *arguments], input=stdin, capture_output=True, check=True
    ).stdout


def test_the_stream_is_what_openssl_computes(a_known_key: None) -> None:
    options = ("-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{DAY_KEY.hex()}", "-binary")
    seed = openssl("dgst", *options, stdin=MESSAGE.encode())
    stream = openssl("dgst", "-shake256", "-xoflen", "64", "-binary", stdin=seed)
    read = commitments.stream(DAY, "raffle-1", "ankur", 6, 3)
    assert read(24) + read(0) + read(40) == stream
    words = [int.from_bytes(stream[at : at + 8], "little") & 7 for at in range(0, 64, 8)]
    assert [word for word in words if word <= 6][:3] == [0, 5, 5]


def test_the_known_vector(a_known_key: None) -> None:
    assert draw(6, 3, commitments.stream(DAY, "raffle-1", "ankur", 6, 3)) == [0, 5, 5]
    receipt = {"user": "ankur", "limit": 6, "randomNumbers": [{"randomNumber": 0}] * 3}
    assert verify.draw(DAY_KEY, "2026-11-28", "raffle-1", receipt) == [0, 5, 5]


@pytest.mark.parametrize("limit", [0, 1, 2, 6, 1000, 2**52, 2**53 - 1])
@pytest.mark.parametrize("count", [1, 2, 1000])
def test_both_programs_agree(a_known_key: None, limit: int, count: int) -> None:
    drawn = draw(limit, count, commitments.stream(DAY, "key", "ügür", limit, count))
    receipt = {"user": "ügür", "limit": limit, "randomNumbers": [{"randomNumber": 0}] * count}
    assert verify.draw(DAY_KEY, "2026-11-28", "key", receipt) == drawn
    assert len(drawn) == count
    assert all(0 <= number <= limit for number in drawn)


RECEIPT = {
    "id": 9,
    "user": "ankur",
    "limit": 6,
    "createdAt": "2026-11-28T10:00:00.123456Z",
    "randomNumbers": [
        {"id": 9, "randomNumber": 0},
        {"id": 10, "randomNumber": 5},
        {"id": 11, "randomNumber": 5},
    ],
    "proof": {
        "version": "random-v1",
        "day": "2026-11-28",
        "commitment": hashlib.sha256(DAY_KEY).hexdigest(),
    },
}
PUBLISHED = {
    "commitments": [
        {"day": "2026-11-28", "commitment": RECEIPT["proof"]["commitment"], "key": DAY_KEY.hex()}
    ]
}


def changed(document: dict, path: str, value: object) -> dict:
    """Return a copy with the value at a dotted path changed."""
    copy = json.loads(json.dumps(document))
    *parents, last = path.split(".")
    place = copy
    for name in parents:
        place = place[int(name)] if name.isdigit() else place[name]
    place[last] = value
    return copy


def test_an_unchanged_receipt_is_accepted() -> None:
    assert verify.check(RECEIPT, "raffle-1", PUBLISHED) == ""


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("randomNumbers.0.randomNumber", 1, "number 1 is 1"),
        ("randomNumbers.2.randomNumber", 6, "number 3 is 6"),
        ("user", "ankus", "user"),
        ("limit", 7, "limit"),
        ("proof.commitment", "0" * 64, "the commitment of 2026-11-28"),
    ],
)
def test_a_changed_byte_of_a_receipt_is_named(path: str, value: object, named: str) -> None:
    assert named in verify.check(changed(RECEIPT, path, value), "raffle-1", PUBLISHED)


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("proof.day", "2026-11-27", "nothing is published for the day 2026-11-27"),
        ("proof.version", "random-v2", "its version is random-v2"),
    ],
)
def test_what_cannot_be_checked_is_not_called_wrong(path: str, value: str, named: str) -> None:
    with pytest.raises(verify.Undecided, match=named):
        verify.check(changed(RECEIPT, path, value), "raffle-1", PUBLISHED)


def test_a_receipt_without_numbers_or_with_a_negative_limit_is_none() -> None:
    for path, value in (("randomNumbers", []), ("limit", -1)):
        with pytest.raises(ValueError, match="no numbers, or a negative limit"):
            verify.check(changed(RECEIPT, path, value), "raffle-1", PUBLISHED)


def test_another_key_is_named() -> None:
    assert "Idempotency-Key" in verify.check(RECEIPT, "raffle-2", PUBLISHED)
    other = changed(PUBLISHED, "commitments.0.key", bytes(32).hex())
    assert "does not have the hash" in verify.check(RECEIPT, "raffle-1", other)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"proof": {}}', '{"proof": {"day": 1}}', "[["])
def test_what_is_no_receipt_is_refused_without_a_traceback(tmp_path: Path, text: str) -> None:
    receipt, published = tmp_path / "receipt.json", tmp_path / "commitments.json"
    receipt.write_text(text)
    published.write_text(json.dumps(PUBLISHED))
    command = [sys.executable, verify.__file__, str(receipt), "raffle-1", str(published)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr


def test_the_key_of_a_day_is_published_after_a_delay(
    a_known_key: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for minute, is_published in ((4, False), (6, True)):
        now = datetime(2026, 11, 29, 0, minute, tzinfo=UTC)
        monkeypatch.setattr(commitments, "datetime", SimpleNamespace(now=lambda zone, now=now: now))
        assert bool(commitments.publish(DAY).key) is is_published


@pytest.mark.django_db
def test_nothing_of_it_is_seen_without_a_secret(client: Client, ankur: int) -> None:
    assert client.get("/commitments").status_code == 404
    assert client.get("/verify.py").status_code == 404
    assert "commitments" not in client.get("/").json()
    answer = client.post(
        "/generate-random-number", {"user": "ankur"}, headers={"Idempotency-Key": "one"}
    )
    assert "proof" not in answer.json()


def test_the_program_stands_alone() -> None:
    source = verifiable.PROGRAM.read_text()
    assert "django" not in source
    assert "numbers_project" not in source


@pytest.mark.parametrize("secret", ["short", "a" * 64])
def test_a_secret_that_can_be_guessed_is_refused(
    monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("DRAW_SECRET", secret)
    with pytest.raises(ImproperlyConfigured, match="DRAW_SECRET can be guessed"):
        env.optional_secret_key("DRAW_SECRET")
