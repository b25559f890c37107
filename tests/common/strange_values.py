"""Sends strange values as every parameter of every page, for the tests of both services."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import cycle
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.auth.models import User as Account
from django.db import transaction
from django.test import Client
from django.urls import get_resolver

# Each as it is in an address or a form. Some are not UTF-8.
NUL = "%00"
STRANGE = [
    NUL, "a%00b", "%ED%A0%80", "%FF", "", "-1", "1e999", "x", "%C2%B2", "%D9%A3",
    "9" * 19, "9" * 30, "9" * 5000, "x" * 300, "[]", "%E2%80%A8", "0", "2026-13-01",
    "1,2", "__proto__", "%25",
]  # fmt: skip
# What the pages read, of which most is in no form.
PARAMETERS = [
    "name", "user", "after", "page_size", "format", "next", "q", "p", "all", "o", "e",
    "id__exact", "created_at__gte", "is_staff__exact", "groups__id__exact", "_to_field", "_popup",
    "_changelist_filters", "_facets", "term", "_selected_action", "index",
]  # fmt: skip
# Where one is read only beside others.
TOGETHER = {
    "/admin/auth/group/": "action=delete_selected&_selected_action={}",
    "/admin/autocomplete/": "app_label=auth&model_name=user&field_name=groups&term={}",
}


def pages(patterns: Any = None, prefix: str = "/") -> Iterator[str]:
    """Yield every path of the URL configuration, with {} for what it leaves open."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = str(pattern.pattern).removesuffix("/?$").strip("^$")
        path = prefix + re.sub(r"\(\?P<\w+>.*?\)(?=/|$)|<[\w:]+>", "{}", route)
        if hasattr(pattern, "url_patterns"):
            yield from pages(pattern.url_patterns, path)
        else:
            yield path


class Fields(HTMLParser):
    """Collects the names of a page's form fields."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name = dict(attrs).get("name")
        if tag in ("input", "select", "textarea") and name:
            self.names.add(name)


def failures(pk: int) -> list[str]:
    """Return the requests that are answered by 500 or more. `pk` is the id of one of our rows."""
    client = Client(raise_request_exception=False)
    Group.objects.create(name="readers")
    client.force_login(Account.objects.create_superuser("boss"))
    return [line for one in requests(client, pk) if (line := send(client, *one))]


def requests(client: Client, pk: int) -> Iterator[tuple[str, ...]]:
    """Yield a method, a path, and a form: a NUL in each place, and the other values in turn."""
    values = cycle(STRANGE)
    for page in pages():
        yield from (("get", page.replace("{}", value)) for value in STRANGE if "{}" in page)
        path = page.replace("{}", str(pk))
        names = Fields(client.get(path, headers={"Accept": "text/html"}).getvalue().decode()).names
        for name in sorted(names | set(PARAMETERS)):
            yield ("get", f"{path}?{name}={NUL}")
            yield ("get", f"{path}?{name}={next(values)}")
            if name in names:
                yield ("post", path, f"{name}={next(values)}")
        for value in STRANGE if path in TOGETHER else ():
            form = TOGETHER[path].format(value)
            yield from (("get", f"{path}?{form}"), ("post", path, form))


def send(client: Client, method: str, path: str, form: str = "") -> str | None:
    """Send a request, undo what it did, even if it signed out, and describe it if it failed."""
    session = client.cookies.output(header="")
    options = {"data": form, "content_type": "application/x-www-form-urlencoded"}
    with transaction.atomic():
        answer = getattr(client, method)(path, **(options if method == "post" else {}))
        transaction.set_rollback(True)
    client.cookies.load(session)
    return f"{answer.status_code} {method} {path} {form}" if answer.status_code >= 500 else None
