"""Checks a receipt of the random number service: python3 verify.py RECEIPT KEY COMMITMENTS

RECEIPT      a file with the answer to a draw, as JSON
KEY          the Idempotency-Key that the draw was sent with
COMMITMENTS  the service's /commitments, as a URL or a file

It recomputes the numbers from the day's key, which the service publishes when the day has ended. It
exits with 0 if they are those of the receipt; with 1 if not, and says what differs; and with 2 if
that cannot be told, for example before the day has ended.

What it proves: the numbers follow from a key that was fixed before the day began, if you or others
saved its commitment then. It does not prove that nobody knew the key: the operator does.
"""

import hashlib
import hmac
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

VERSION = "random-v1"


class Undecided(Exception):
    """What would be needed to check the receipt has not been published."""


def main() -> None:
    """Check the receipt that the command line names."""
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    _, receipt_file, idempotency_key, source = sys.argv
    try:
        receipt = json.loads(Path(receipt_file).read_bytes())
        commitments = read_commitments(source, receipt["proof"]["day"])
        difference = check(receipt, idempotency_key, commitments)
    except Undecided as error:
        print(f"This cannot be checked: {error}", file=sys.stderr)
        sys.exit(2)
    except (KeyError, TypeError, ValueError) as error:
        sys.exit(f"This is no receipt with a proof, or no answer of /commitments: {error!r}")
    except OSError as error:
        sys.exit(f"A file or an address cannot be read: {error}")
    if difference:
        sys.exit(f"This is not what was drawn: {difference}")
    print("The numbers are those that follow from the day's key and the request.")


def read_commitments(source: str, day: str) -> Any:
    """Return the commitments in a file, or that of a day behind a URL."""
    if source.startswith(("http://", "https://")):
        url = f"{source}?{urlencode({'day': day})}"
        with urlopen(url, timeout=30) as answer:  # noqa: S310 The scheme has been checked.
            return json.load(answer)
    return json.loads(Path(source).read_bytes())


def check(receipt: dict, idempotency_key: str, commitments: dict) -> str:
    """Return what differs, or "" if the receipt is right; raise Undecided if it cannot be told."""
    proof = receipt["proof"]
    if proof["version"] != VERSION:
        raise Undecided(f"its version is {proof['version']}, not {VERSION}.")
    days = {one["day"]: one for one in commitments["commitments"]}
    published = days.get(proof["day"])
    if published is None:
        raise Undecided(
            f"nothing is published for the day {proof['day']}. Ask for /commitments?day=…"
        )
    if published["commitment"] != proof["commitment"]:
        return f"the commitment of {proof['day']} is {published['commitment']}."
    if published["key"] is None:
        raise Undecided(f"the key of {proof['day']} is published when the day has ended.")
    key = bytes.fromhex(published["key"])
    if hashlib.sha256(key).hexdigest() != proof["commitment"]:
        return f"the key of {proof['day']} does not have the hash that it was committed to."
    return compare(receipt, draw(key, proof["day"], idempotency_key, receipt))


def numbers_of(receipt: dict) -> list[int]:
    """Return the numbers of a receipt for one draw or for many."""
    many = receipt.get("randomNumbers")
    numbers = [receipt["randomNumber"]] if many is None else [one["randomNumber"] for one in many]
    if not numbers or receipt["limit"] < 0:
        raise ValueError("It has no numbers, or a negative limit.")
    return numbers


def compare(receipt: dict, expected: list[int]) -> str:
    """Return which number differs first, or ""."""
    for place, (found, right) in enumerate(zip(numbers_of(receipt), expected, strict=True), 1):
        if found != right:
            return (
                f"number {place} is {found}, but its user, limit, count, day and Idempotency-Key"
                f" give {right}. At least one of these has been changed."
            )
    return ""


def draw(day_key: bytes, day: str, idempotency_key: str, receipt: dict) -> list[int]:
    """Return the numbers that follow from a day's key and a request."""
    limit, count = receipt["limit"], len(numbers_of(receipt))
    user = hashlib.sha256(receipt["user"].encode()).hexdigest()
    message = "\n".join([VERSION, day, idempotency_key, user, str(limit), str(count)])
    seed = hmac.new(day_key, message.encode(), "sha256").digest()
    mask = (1 << limit.bit_length()) - 1
    numbers: list[int] = []
    words = 0
    while len(numbers) < count:
        words += 2 * count
        stream = hashlib.shake_256(seed).digest(8 * words)
        parts = [stream[start : start + 8] for start in range(0, 8 * words, 8)]
        masked = [int.from_bytes(part, "little") & mask for part in parts]
        numbers = [number for number in masked if number <= limit][:count]
    return numbers


if __name__ == "__main__":
    main()
