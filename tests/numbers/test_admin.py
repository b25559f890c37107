"""The random number service's admin."""

import pytest
from django.contrib.auth.models import User as Account
from django.test import Client

from numbers_project.random_numbers.models import GeneratedNumber

pytestmark = pytest.mark.django_db
NUMBERS = "/admin/random_numbers/generatednumber/"
USERS = "/admin/random_numbers/user/"


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(Account.objects.create_superuser("boss"))
    return client


def test_numbers_are_shown_newest_first(admin: Client, ankur: int) -> None:
    first, second = (GeneratedNumber.objects.generate("ankur").id for _ in range(2))
    page = admin.get(NUMBERS).content.decode()
    assert page.index(f"{NUMBERS}{second}/") < page.index(f"{NUMBERS}{first}/")


def test_numbers_can_be_searched_by_user(admin: Client, ankur: int, register) -> None:
    register("someone")
    mine = GeneratedNumber.objects.generate("ankur").id
    other = GeneratedNumber.objects.generate("someone").id
    page = admin.get(NUMBERS, {"q": "ankur"}).content.decode()
    assert f"{NUMBERS}{mine}/" in page
    assert f"{NUMBERS}{other}/" not in page
    assert f"{NUMBERS}{other}/" in admin.get(NUMBERS, {"q": "  "}).content.decode()


@pytest.mark.parametrize("search", ["Zo\u00eb", "Zoe\u0308"])
def test_both_forms_of_a_name_are_found(admin: Client, register, search: str) -> None:
    register("Zo\u00eb")
    drawn = GeneratedNumber.objects.generate("Zo\u00eb")
    assert ">Zo\u00eb<" in admin.get(USERS, {"q": search}).content.decode()
    assert f"{NUMBERS}{drawn.id}/" in admin.get(NUMBERS, {"q": search}).content.decode()


def test_a_number_of_a_deleted_user_is_shown(admin: Client, ankur: int, users_database) -> None:
    drawn = GeneratedNumber.objects.generate("ankur")
    users_database.cursor().execute("DELETE FROM users_user")
    assert f"{NUMBERS}{drawn.id}/" in admin.get(NUMBERS).content.decode()
    assert admin.get(f"{NUMBERS}{drawn.id}/change/").status_code == 200


@pytest.mark.parametrize("page", [NUMBERS, USERS])
def test_nothing_can_be_added_changed_or_deleted(admin: Client, ankur: int, page: str) -> None:
    drawn = GeneratedNumber.objects.generate("ankur")
    pk = drawn.id if page == NUMBERS else ankur
    assert admin.get(f"{page}{pk}/change/").status_code == 200
    assert admin.post(f"{page}{pk}/change/", {"name": "x", "number": 1}).status_code == 403
    assert admin.post(f"{page}{pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin.get(f"{page}add/").status_code == 403


def test_the_number_of_queries_does_not_grow_with_the_rows(
    admin: Client, ankur: int, django_assert_num_queries
) -> None:
    for _ in range(50):
        GeneratedNumber.objects.generate("ankur")
    with django_assert_num_queries(4):  # session, account, bounded count, rows
        admin.get(NUMBERS)
