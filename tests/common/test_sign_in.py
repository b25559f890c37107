"""Attempts to sign in to the admin: limited, logged, and removed when they have expired."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils.timezone import now

from common.admin import sign_in

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def account(settings: Any) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return User.objects.create_superuser("boss", password=PASSWORD)


def attempt(
    client: Client, password: str, username: str = "boss", address: str = "192.0.2.1"
) -> Any:
    form = {"username": username, "password": password}
    return client.post("/admin/login/", form, REMOTE_ADDR=address)


def fail_until_blocked(client: Client, **source: str) -> None:
    for _ in range(sign_in.LIMIT):
        assert attempt(client, "wrong", **source).status_code == 200


def test_an_account_is_blocked_after_too_many_failures_from_anywhere(client: Client) -> None:
    for number in range(sign_in.LIMIT):
        assert attempt(client, "wrong", address=f"192.0.2.{number}").status_code == 200
    response = attempt(client, PASSWORD, address="198.51.100.1")
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= sign_in.WINDOW.total_seconds() + 1
    assert "Too many attempts" in response.json()["error"]


def test_an_address_is_blocked_after_too_many_failures_for_any_account(client: Client) -> None:
    for number in range(sign_in.LIMIT):
        attempt(client, "wrong", username=f"guess {number}")
    assert attempt(client, PASSWORD).status_code == 429
    assert attempt(client, PASSWORD, address="192.0.2.2").status_code == 302


def test_a_blocked_account_is_free_again_after_the_window(client: Client) -> None:
    fail_until_blocked(client)
    assert attempt(client, PASSWORD).status_code == 429
    Session.objects.update(expire_date=now() - timedelta(seconds=1))
    assert attempt(client, PASSWORD).status_code == 302


def test_what_succeeds_does_not_count(client: Client) -> None:
    for _ in range(sign_in.LIMIT + 1):
        assert attempt(Client(), PASSWORD).status_code == 302
    assert attempt(client, "wrong").status_code == 200


def test_an_attempt_counts_while_its_password_is_checked(client: Client, monkeypatch: Any) -> None:
    counts = []

    def count(*args: Any) -> bool:
        counts.append(Session.objects.count())
        return False

    monkeypatch.setattr(User, "check_password", count)
    attempt(client, "wrong")
    assert counts == [2]  # for the account, and for the address


def test_attempts_are_logged_with_the_account_and_the_address(client: Client, caplog: Any) -> None:
    caplog.set_level("INFO")
    fail_until_blocked(client)
    attempt(client, PASSWORD)
    Session.objects.all().delete()
    attempt(client, PASSWORD, address="2001:db8::1")
    messages = [record.getMessage() for record in caplog.records]
    assert "A sign-in to account 'boss' failed, from 192.0.2.1." in messages
    assert "A sign-in to account 'boss' was not tried, from 192.0.2.1." in messages
    assert "The password of account 'boss' was right, from 2001:db8::1." in messages
    assert PASSWORD not in caplog.text


def test_what_is_no_accounts_name_is_not_logged(client: Client, caplog: Any) -> None:
    attempt(client, "wrong", username=PASSWORD)
    assert "(unknown)" in caplog.text
    assert PASSWORD not in caplog.text


def test_expired_sessions_are_removed(client: Client, account: User, monkeypatch: Any) -> None:
    monkeypatch.setattr(sign_in, "CLEANED", 3)
    old = now() - timedelta(days=1)
    Session.objects.bulk_create(Session(session_key=f"old{n}", expire_date=old) for n in range(4))
    attempt(client, PASSWORD)
    assert Session.objects.filter(expire_date=old).count() == 1
    attempt(client, PASSWORD)
    assert Session.objects.filter(expire_date=old).count() == 0


def test_a_session_ends_after_a_working_day(client: Client) -> None:
    attempt(client, PASSWORD)
    remaining = client.session.get_expiry_date() - now()
    assert timedelta(hours=7) < remaining <= timedelta(hours=8)


def test_a_short_password_is_refused(client: Client) -> None:
    attempt(client, PASSWORD)
    form = {"old_password": PASSWORD, "new_password1": "x1y2z3a4b5c6d7", "new_password2": ""}
    form["new_password2"] = form["new_password1"]
    page = client.post("/admin/password_change/", form).content.decode()
    assert "at least 15 characters" in page


@pytest.mark.parametrize("data", [{"username": "\0"}, {"username": "x" * 200}, {"extra": "\0"}])
def test_no_attempt_is_a_server_error(client: Client, data: dict[str, str]) -> None:
    form = {"username": "boss", "password": "wrong", **data}
    assert client.post("/admin/login/?next=%00", form).status_code == 200
