"""Verifiable draws, with both services started with a DRAW_SECRET."""

import hashlib
import hmac
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.conftest import Services, bare_environment, run_front_script

SECRET = "a secret of more than thirty-two characters"


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("verifiable")
    secret = folder / "secret"
    secret.write_text(f"{SECRET}\n")
    environment = {**bare_environment(folder / "state"), "DRAW_SECRET_FILE": str(secret)}
    started = run_front_script(environment, "up", "--detach")
    assert started.returncode == 0, started.stderr
    yield Services(
        f"http://127.0.0.1:{environment['USERS_PORT']}",
        f"http://127.0.0.1:{environment['NUMBERS_PORT']}",
        Path(environment["STATE_DIR"]),
        environment,
    )
    ended = run_front_script(environment, "down", "--purge", "--yes")
    assert ended.returncode == 0, ended.stderr


def key_of(day: str) -> bytes:
    """Return a day's key, as the contract defines it."""
    return hmac.new(SECRET.encode(), day.encode(), hashlib.sha256).digest()


@pytest.mark.parametrize("body", [{}, {"limit": 6}, {"limit": 6, "count": 300}])
def test_a_receipt_is_accepted_and_a_changed_one_is_not(
    services: Services, numbers: httpx.Client, user: str, tmp_path: Path, body: dict[str, int]
) -> None:
    key = user.replace(" ", "-")
    headers = {"Idempotency-Key": key}
    answer = numbers.post("/generate-random-number", json={"user": user, **body}, headers=headers)
    receipt = answer.json()
    day = receipt["proof"]["day"]
    assert receipt["proof"] == {
        "version": "random-v1",
        "day": day,
        "commitment": hashlib.sha256(key_of(day)).hexdigest(),
    }
    (published,) = numbers.get("/commitments", params={"day": day}).json()["commitments"]
    assert published == {"day": day, "commitment": receipt["proof"]["commitment"], "key": None}
    url = f"{services.numbers}/commitments"
    early = run_verify(numbers, tmp_path, receipt, key, url)
    assert (early.returncode, "when the day has ended" in early.stderr) == (2, True)
    # What the service publishes when the day has ended.
    later = tmp_path / "commitments.json"
    later.write_text(json.dumps({"commitments": [{**published, "key": key_of(day).hex()}]}))
    accepted = run_verify(numbers, tmp_path, receipt, key, str(later))
    assert accepted.returncode == 0, accepted.stderr
    limited = {**receipt, "limit": receipt["limit"] + 2**40}
    refused = run_verify(numbers, tmp_path, limited, key, str(later))
    assert refused.returncode == 1
    assert "number 1 is" in refused.stderr


def run_verify(
    numbers: httpx.Client, folder: Path, receipt: object, key: str, published: str
) -> subprocess.CompletedProcess[str]:
    """Run the program that the service serves."""
    program, file = folder / "verify.py", folder / "receipt.json"
    program.write_bytes(numbers.get("/verify.py").content)
    file.write_text(json.dumps(receipt))
    command = [sys.executable, "-I", str(program), str(file), key, published]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_draw_without_a_key_has_no_proof(numbers: httpx.Client, user: str) -> None:
    answer = numbers.post("/generate-random-number", json={"user": user})
    assert "proof" not in answer.json()


def test_commitments_are_published_ahead_and_keys_afterwards(numbers: httpx.Client) -> None:
    today = datetime.now(UTC).date()
    listed = numbers.get("/commitments").json()["commitments"]
    assert listed[0]["day"] >= (today + timedelta(days=7)).isoformat()
    assert len(listed) == 38
    for one in listed:
        assert one["commitment"] == hashlib.sha256(key_of(one["day"])).hexdigest()
        day = date.fromisoformat(one["day"])
        if day > today:
            assert one["key"] is None
        if day < today - timedelta(days=1):
            assert one["key"] == key_of(one["day"]).hex()


def test_one_day_is_found_by_its_date(numbers: httpx.Client) -> None:
    (found,) = numbers.get("/commitments?day=2026-01-02").json()["commitments"]
    assert (found["day"], found["key"]) == ("2026-01-02", key_of("2026-01-02").hex())
    assert numbers.get("/commitments?day=2999-01-01").json() == {"commitments": []}
    assert numbers.get("/commitments?day=9999-12-31").json() == {"commitments": []}
    refused = numbers.get("/commitments?day=yesterday")
    assert refused.status_code == 400
    assert refused.json()["fields"].keys() == {"day"}


def test_openapi_and_the_root_show_it(numbers: httpx.Client) -> None:
    document = numbers.get("/schema?format=json").json()
    assert "/commitments" in document["paths"]
    assert "proof" in document["components"]["schemas"]["BatchReceipt"]["properties"]
    assert numbers.get("/").json()["commitments"].endswith("/commitments")
    page = numbers.get("/commitments", headers={"Accept": "text/html"})
    assert page.status_code == 200
