"""Which names can be registered, in the API and in the admin, and in which form they are kept."""

import sys
import unicodedata

import jsonschema_rs
import pytest
from django.contrib.auth.models import User as Account
from django.core.exceptions import ValidationError
from django.test import Client

from common.user_names import NAME_LENGTH, NameField, validate_name
from users_project.users.models import User

pytestmark = pytest.mark.django_db
NFC, NFD = "Zo\u00eb", "Zoe\u0308"
GOOD = [
    "می\u200cخواهم",  # Persian, with a joiner
    "क्\u200dष",
    "👩\u200d🚀 ✈️",
    "한국어",
    "Ａ ß İ",
    "a\u00a0b\u3000c",
    "x",
    "~",
    "1",
]
BAD = [
    "\u200b",
    "\u202eevil",
    "an\nkur",
    "an\tkur",
    "an\x7fkur",
    "an\x85kur",
    "an\u2028kur",
    "an\u2029kur",
    "an\ufeffkur",
    "an\u00adkur",
    "an\U000e0041kur",
    "an\ue000kur",
    "an\uffffkur",
    "an\u0378kur",
    "an\U0010fffekur",
    "\u200d",
    "\u200cankur",
    "ankur\u200d",
    "\u0301",
    "\ufe0f",
    "\u3164",
    "\u2800",
    "\uffa0 \uffa0",
    "ankur\u3164",
    "ankur\u2800",
    "ankur\u034f",
    "an\u034fkur",
    "\u00a0",
    "\u2028",
]


def register(client: Client, name: str):
    return client.post("/users", {"name": name}, content_type="application/json")


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(Account.objects.create_superuser("boss"))
    return client


@pytest.mark.parametrize("name", GOOD)
def test_a_name_of_any_script_is_kept(client: Client, name: str) -> None:
    assert register(client, name).json()["name"] == name


@pytest.mark.parametrize("name", BAD)
def test_an_unreadable_name_is_refused(admin: Client, name: str) -> None:
    response = register(admin, name)
    assert response.status_code == 400
    assert list(response.json()["fields"]) == ["name"]
    assert admin.post("/admin/users/user/add/", {"name": name}).status_code == 200
    assert not User.objects.exists()


def is_valid(name: str) -> bool:
    try:
        validate_name(name)
    except ValidationError:
        return False
    return True


def test_every_character_is_allowed_inside_a_name_by_its_category() -> None:
    everything = set(map(chr, range(sys.maxunicode + 1)))
    refused = {character for character in everything if not is_valid(f"a{character}b")}
    expected = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert {unicodedata.category(one) for one in refused - {"\u034f"}} == expected
    allowed = {one for one in everything - refused if unicodedata.category(one) in expected}
    assert allowed == {"\u200c", "\u200d"}


def test_the_pattern_of_the_openapi_document_is_the_rule() -> None:
    """It may know a later version of Unicode, with characters that are not yet assigned here."""
    pattern = jsonschema_rs.validator_for({"pattern": NameField.openapi["pattern"]})
    assigned = (one for one in map(chr, range(0xD800)) if unicodedata.category(one) != "Cn")
    inside = [f"a{character}b" for character in assigned]
    for name in [*GOOD, *BAD, *inside]:
        assert pattern.is_valid(name) == is_valid(name), ascii(name)


def test_both_forms_of_a_name_are_one_user(admin: Client) -> None:
    created = register(admin, NFD)
    assert created.json()["name"] == NFC
    assert register(admin, NFC).status_code == register(admin, NFD).status_code == 409
    for name in (NFC, NFD):
        assert admin.get("/users", {"name": name}).json() == [created.json()]
        page = admin.post("/admin/users/user/add/", {"name": name})
        assert "already exists" in page.content.decode()


def test_the_admin_keeps_the_same_form_of_a_name(admin: Client) -> None:
    admin.post("/admin/users/user/add/", {"name": f" {NFD} "})
    assert User.objects.get().name == NFC


@pytest.mark.parametrize("search", [NFC, NFD])
def test_the_admin_finds_both_forms(admin: Client, search: str) -> None:
    register(admin, NFC)
    assert f">{NFC}</a>" in admin.get("/admin/users/user/", {"q": search}).content.decode()


def test_the_length_is_that_of_the_form_that_is_kept(client: Client) -> None:
    assert register(client, "e\u0308" * NAME_LENGTH).status_code == 201
    assert register(client, "e\u0308" * NAME_LENGTH + "e").status_code == 400
    assert register(client, "\u0958" * 41).status_code == 400  # two characters each


@pytest.mark.parametrize("name", [NFD, "an\nkur", "\u200b"])
def test_a_name_that_was_stored_before_these_rules_is_still_shown(admin: Client, name: str) -> None:
    user = User.objects.create(name=name)
    shown = {"id": user.id, "name": name}
    assert admin.get("/users").json() == [shown]
    assert admin.get(f"/users/{user.id}").json() == shown
    assert admin.get("/users", {"name": name}).json() == [shown]
    assert admin.get(f"/admin/users/user/{user.id}/change/").status_code == 200
    admin.post(f"/admin/users/user/{user.id}/change/", {"name": "ankur"})
    assert User.objects.get().name == "ankur"
