"""The services conform to their OpenAPI documents."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.conftest import Services

EVERY_STATUS = {"400", "404", "405", "409", "413", "415", "422", "503"}
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")


@pytest.mark.parametrize("service", ["users", "numbers"])
def test_a_service_conforms_to_its_openapi_document(
    services: Services, tmp_path: Path, service: str
) -> None:
    url = f"{getattr(services, service)}/schema"
    command = [SCHEMATHESIS, "run", url, "--checks", "all", "--max-examples", "60"]
    # A schema cannot express that a user has to be registered, and what schemathesis takes for
    # Unicode's categories has characters that are none; tests/users/test_names.py has the names.
    command += ["--exclude-checks", "positive_data_acceptance"]
    # The same examples in each run; omit the seed to try new ones.
    command += ["--seed", "1"]
    # In a temporary folder, since it leaves files behind.
    result = subprocess.run([*command, "--no-color"], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
    assert "No issues found" in result.stdout


def test_every_status_is_described_with_an_example(services: Services) -> None:
    described = set()
    for base in (services.users, services.numbers):
        document = httpx.get(f"{base}/schema?format=json").json()
        for path in document["paths"].values():
            for operation in path.values():
                for status, response in operation["responses"].items():
                    if status.startswith("2"):
                        continue
                    (example,) = response["content"]["application/json"]["examples"].values()
                    assert example["value"]["error"]
                    described.add(status)
    assert described == EVERY_STATUS


def test_a_repeated_key_is_described_and_its_last_value_counts(
    services: Services, users: httpx.Client, name: str
) -> None:
    operation = httpx.get(f"{services.users}/schema?format=json").json()["paths"]["/users"]
    assert "the last value counts" in operation["post"]["description"]
    assert "the last value counts" not in operation["get"]["description"]
    body = json.dumps({"name": name}).replace("{", '{"name": "first", ')
    created = users.post("/users", content=body, headers={"Content-Type": "application/json"})
    assert created.json()["name"] == name


def test_the_paths_are_those_of_the_contract(services: Services) -> None:
    users = httpx.get(f"{services.users}/schema?format=json").json()["paths"]
    numbers = httpx.get(f"{services.numbers}/schema?format=json").json()["paths"]
    assert {path: set(operations) for path, operations in (users | numbers).items()} == {
        "/users": {"get", "post"},
        "/users/{id}": {"get"},
        "/generate-random-number": {"post"},
        "/get-saved-numbers": {"get"},
    }
