"""The user service's admin."""

import html
import re
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.contrib.auth.models import User as Account
from django.db import connection, models
from django.test import Client
from django.urls import reverse

from common.admin import BoundedPaginator
from common.api.middleware import unique_constraints
from users_project.users.models import User

pytestmark = pytest.mark.django_db
LIST = "/admin/users/user/"


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(Account.objects.create_superuser("boss"))
    return client


def test_an_anonymous_visitor_is_asked_to_sign_in(client: Client) -> None:
    assert client.get(LIST).headers["Location"] == f"/admin/login/?next={LIST}"


@pytest.mark.parametrize("key", ['"\\000aaaaaaaa"', '"\\355\\240\\200aaaaaaa"', "short", "x" * 99])
def test_what_is_no_session_is_an_unknown_one(client: Client, key: str) -> None:
    """The first is a NUL in the syntax of cookies."""
    response = client.get("/admin/", headers={"Cookie": f"users_session={key}"})
    assert response.headers["Location"] == "/admin/login/?next=/admin/"
    assert (
        client.get("/admin/login/", headers={"Cookie": f"users_session={key}"}).status_code == 200
    )


@pytest.mark.parametrize("term", ["\0", "a\0"])
def test_a_nul_in_a_search_is_refused(admin: Client, term: str) -> None:
    field = {"app_label": "auth", "model_name": "user", "field_name": "groups"}
    assert admin.get("/admin/autocomplete/", {**field, "term": "a"}).status_code == 200
    assert admin.get("/admin/autocomplete/", {**field, "term": term}).status_code == 400


def test_users_are_shown_newest_first(admin: Client) -> None:
    User.objects.register("first")
    User.objects.register("second")
    page = admin.get(LIST).content.decode()
    assert page.index("second") < page.index("first")


def test_users_can_be_searched_by_the_beginning_of_a_name(admin: Client) -> None:
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


def test_the_form_refuses_a_name_that_is_taken(admin: Client) -> None:
    User.objects.register("ankur")
    response = admin.post(f"{LIST}add/", {"name": "ankur"})
    assert response.status_code == 200
    assert "already" in response.content.decode()


def test_a_name_that_another_request_has_just_taken_is_a_conflict(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form has found the name free, and the other request saves it first."""

    def save(user: User, *args: Any, **kwargs: Any) -> None:
        User.objects.register(user.name)
        models.Model.save(user, *args, **kwargs)

    monkeypatch.setattr(User, "save", save)
    response = admin.post(f"{LIST}add/", {"name": "ankur"})
    assert response.status_code == 409
    assert "Choose another" in response.json()["error"]


def test_the_unique_constraints_are_those_of_the_database() -> None:
    """PostgreSQL chooses the names of some of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'u' AND conrelid IN"
            " ('users_user'::regclass, 'auth_user'::regclass, 'auth_group'::regclass)"
        )
        assert {name for (name,) in cursor.fetchall()} <= unique_constraints()


def test_the_number_of_queries_does_not_grow_with_the_rows(
    admin: Client, django_assert_num_queries
) -> None:
    User.objects.bulk_create([User(name=f"user {number}") for number in range(90)])
    with django_assert_num_queries(4):  # session, account, bounded count, rows
        admin.get(LIST)


def test_rows_are_counted_up_to_the_limit(admin: Client, monkeypatch) -> None:
    monkeypatch.setattr(BoundedPaginator, "LIMIT", 5)
    User.objects.bulk_create([User(name=f"user {number}") for number in range(9)])
    assert "5 or more users" in " ".join(admin.get(LIST).content.decode().split())


@pytest.mark.parametrize(
    ("page", "query"),
    [
        (LIST, "name=%00"),
        (LIST, "created_at__year=99999999999"),
        (LIST, "id__gt=x"),
        ("/admin/auth/user/", "username__icontains=%00"),
        ("/admin/auth/user/", "last_login__year=99999999999"),
        ("/admin/auth/group/", "name=%00"),
    ],
)
def test_an_unsupported_lookup_is_refused(
    admin: Client, caplog: pytest.LogCaptureFixture, page: str, query: str
) -> None:
    assert admin.get(f"{page}?{query}").status_code == 400
    assert not caplog.records  # It is the client's fault, and the access log has a line for it.


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-23:00", "2026-11-28", "x", ""])
def test_a_time_that_no_link_of_the_page_has_is_refused(admin: Client, time: str) -> None:
    """PostgreSQL would reject some of them."""
    assert admin.get(LIST, {"created_at__gte": time}).status_code == 400


def test_accounts_can_be_filtered(admin: Client) -> None:
    group = Group.objects.create(name="readers")
    Account.objects.create_user("reader").groups.add(group)
    page = admin.get("/admin/auth/user/").content.decode()
    links = re.findall(r'href="(\?[a-z_]+__exact=[^"]+)"', page)
    assert f"?groups__id__exact={group.id}" in links
    for link in links:
        assert admin.get(f"/admin/auth/user/{link}").status_code == 200
    assert "reader</a>" in admin.get("/admin/auth/user/?is_staff__exact=0").content.decode()


def test_users_can_be_filtered_by_registration_date(admin: Client) -> None:
    User.objects.register("ankur")
    page = admin.get(LIST).content.decode()
    (today,) = re.findall(r'href="(\?created_at__gte=[^"]+)">Today', page)
    assert "ankur" in admin.get(LIST + html.unescape(today)).content.decode()
