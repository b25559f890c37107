"""The user service's admin."""

import pytest
from django.contrib.auth.models import User as Account
from django.test import Client
from django.urls import reverse

from common.admin import BoundedPaginator
from users_project.users.models import User

pytestmark = pytest.mark.django_db
LIST = "/admin/users/user/"


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(Account.objects.create_superuser("boss"))
    return client


def test_a_stranger_is_asked_to_sign_in(client: Client) -> None:
    assert client.get(LIST).headers["Location"] == f"/admin/login/?next={LIST}"


def test_users_are_shown_newest_first(admin: Client) -> None:
    User.objects.register("first")
    User.objects.register("second")
    page = admin.get(LIST).content.decode()
    assert page.index("second") < page.index("first")


def test_users_are_searched_by_the_beginning_of_a_name(admin: Client) -> None:
    User.objects.register("ankur")
    User.objects.register("someone")
    page = admin.get(LIST, {"q": "ank"}).content.decode()
    assert "ankur" in page
    assert "someone" not in page


def test_a_user_can_be_added_renamed_and_deleted(admin: Client) -> None:
    admin.post(f"{LIST}add/", {"name": " ankur "})
    user = User.objects.get(name="ankur")
    admin.post(reverse("admin:users_user_change", args=[user.id]), {"name": "ankita"})
    assert User.objects.get().name == "ankita"
    admin.post(reverse("admin:users_user_delete", args=[user.id]), {"post": "yes"})
    assert not User.objects.exists()


def test_a_name_that_is_taken_is_refused_in_the_form(admin: Client) -> None:
    User.objects.register("ankur")
    response = admin.post(f"{LIST}add/", {"name": "ankur"})
    assert response.status_code == 200
    assert "already" in response.content.decode()


def test_a_page_takes_as_many_statements_for_many_rows_as_for_few(
    admin: Client, django_assert_num_queries
) -> None:
    User.objects.bulk_create([User(name=f"user {number}") for number in range(90)])
    with django_assert_num_queries(4):  # session, account, bounded count, rows
        admin.get(LIST)


def test_rows_are_counted_up_to_a_bound(admin: Client, monkeypatch) -> None:
    monkeypatch.setattr(BoundedPaginator, "LIMIT", 5)
    User.objects.bulk_create([User(name=f"user {number}") for number in range(9)])
    assert "The newest 5 users" in " ".join(admin.get(LIST).content.decode().split())
