"""Faults of the service's own in the database are answered and logged as such, over HTTP."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.conftest import Services, wait_for

SERVICES = {"users": "users.users_user", "numbers": "numbers.random_numbers_generatednumber"}
# What is planted in a table and undone again, and what the line in the log names.
FAULTS = {
    "a sequence behind its rows": (
        "SELECT setval('{0}_id_seq', (SELECT min(id) FROM {0}), false)",
        "SELECT setval('{0}_id_seq', (SELECT max(id) FROM {0}))",
        "_pkey",
    ),
    "a sequence at its end": (
        "SELECT setval('{0}_id_seq', 9223372036854775807)",
        "SELECT setval('{0}_id_seq', (SELECT max(id) FROM {0}))",
        "_id_seq",
    ),
    "a check that fails": (
        "ALTER TABLE {0} ADD CONSTRAINT never CHECK (false) NOT VALID",
        "ALTER TABLE {0} DROP CONSTRAINT never",
        "never",
    ),
    "a default that is missing": (
        "ALTER TABLE {0} ALTER created_at DROP DEFAULT",
        "ALTER TABLE {0} ALTER created_at SET DEFAULT statement_timestamp()",
        "created_at",
    ),
    "a unique index that is not the client's": (
        "CREATE UNIQUE INDEX one_row_only ON {0} ((1)) WHERE id > (1 << 30)::bigint;"
        "SELECT setval('{0}_id_seq', (1 << 30) + 5)",
        "DROP INDEX {1}.one_row_only; DELETE FROM {0} WHERE id > (1 << 30)::bigint;"
        "SELECT setval('{0}_id_seq', (SELECT max(id) FROM {0}))",
        "one_row_only",
    ),
}


@pytest.fixture(params=FAULTS)
def fault(request: Any, superuser: Any, services: Services, user: str) -> Iterator[str]:
    """A fault in the tables of both services; the value is what the log should name."""
    plant, undo, named = FAULTS[request.param]
    answer = httpx.post(f"{services.numbers}/generate-random-number", json={"user": user})
    assert answer.status_code == 201
    for service, table in SERVICES.items():
        superuser.execute(plant.format(table, service))
    yield named
    for service, table in SERVICES.items():
        superuser.execute(undo.format(table, service))


def refuse(services: Services, service: str, send: Callable[[int], httpx.Response]) -> str:
    """Send requests until one is refused, as 503; return the log's line about it."""
    assert services.state
    log = services.state / "logs" / f"{service}.log"
    before = len(log.read_text())
    # One row fits into the index. The admin redirects after a success.
    answer = next(one for one in map(send, range(9)) if one.status_code not in (201, 302))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "Nothing is wrong with the request" in answer.text
    lines: list[Any] = []

    def is_logged() -> bool:
        lines[:] = [json.loads(line) for line in log.read_text()[before:].splitlines()]
        return any(line["level"] == "ERROR" for line in lines)

    wait_for(is_logged, 10)
    return str([line["message"] for line in lines if line["level"] == "ERROR"][-1])


def test_registering(services: Services, users: httpx.Client, user: str, fault: str) -> None:
    def register(number: int) -> httpx.Response:
        return users.post("/users", json={"name": f"{user} {number}"})

    line = refuse(services, "users", register)
    assert fault in line
    assert line.endswith("(INSERT)")
    assert user not in line


@pytest.mark.parametrize("body", [{}, {"count": 2}])
def test_drawing(
    services: Services, numbers: httpx.Client, user: str, fault: str, body: dict[str, int]
) -> None:
    def draw(number: int) -> httpx.Response:
        return numbers.post("/generate-random-number", json={"user": user, **body})

    line = refuse(services, "numbers", draw)
    assert fault in line
    assert line.endswith(("(INSERT)", "(WITH)"))
    assert user not in line


def test_adding_a_user_in_the_admin(
    services: Services, admin: httpx.Client, user: str, fault: str
) -> None:
    def add(number: int) -> httpx.Response:
        form = {"name": f"{user} {number}"}
        return admin.post("/admin/users/user/add/", data=form, headers=csrf(admin))

    line = refuse(services, "users", add)
    assert fault in line
    assert user not in line


def csrf(admin: httpx.Client) -> dict[str, str]:
    return {"X-CSRFToken": admin.cookies["users_csrf"]}


def test_a_session_that_cannot_be_saved(services: Services, admin: httpx.Client, superuser) -> None:
    """Django calls that a request whose session was deleted, which would be a 400."""

    def sign_in() -> httpx.Response:
        form = {"username": "admin", "password": services.admin_password}
        return admin.post("/admin/login/", data=form, headers=csrf(admin))

    superuser.execute("REVOKE UPDATE ON users.django_session FROM users_service")
    try:
        answer = sign_in()
    finally:
        superuser.execute("GRANT UPDATE ON users.django_session TO users_service")
    assert answer.status_code == 503
    assert sign_in().status_code == 302
