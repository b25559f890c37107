"""Pages and streams of common.fast, tested with the list of users."""

import gc
import json
import weakref
from threading import Semaphore

import pytest
from django.test import Client, RequestFactory

from common.fast import lists, mixins
from users_project.users.models import User
from users_project.users.views import UserViewSet

pytestmark = pytest.mark.django_db


@pytest.fixture
def names() -> list[str]:
    names = [f"user {number}" for number in range(10)]
    for name in names:
        User.objects.register(name)
    return names


def listed(response) -> list[str]:
    return [row["name"] for row in json.loads(response.getvalue())]


@pytest.mark.parametrize("rows", range(8))
def test_a_streamed_list_is_complete_at_any_length(client: Client, monkeypatch, rows: int) -> None:
    monkeypatch.setattr(mixins, "FIRST_BATCH", 2)
    monkeypatch.setattr(lists, "BATCH", 3)
    names = [f"user {number}" for number in range(rows)]
    for name in names:
        User.objects.register(name)
    assert listed(client.get("/users")) == names


def test_a_list_has_short_batches_while_slow_readers_use_all_long_ones(
    client: Client, monkeypatch, names
) -> None:
    monkeypatch.setattr(mixins, "FIRST_BATCH", 2)
    monkeypatch.setattr(lists, "SHORT_BATCH", 1)
    monkeypatch.setattr(lists, "LONG_BATCHES", Semaphore(1))
    slow = client.get("/users").streaming_content
    slow_chunks = [next(slow) for _ in range(2)]
    chunks = list(client.get("/users").streaming_content)
    assert [user["name"] for user in json.loads(b"".join(chunks))] == names
    assert len(chunks) > len(names) - 2
    slow_chunks += slow
    assert [user["name"] for user in json.loads(b"".join(slow_chunks))] == names
    assert len(slow_chunks) == 3
    assert lists.LONG_BATCHES.acquire(blocking=False)


def test_a_stream_ends_while_rows_are_being_added(client: Client, monkeypatch, names) -> None:
    monkeypatch.setattr(mixins, "FIRST_BATCH", 2)
    monkeypatch.setattr(lists, "BATCH", 1)
    received = []
    for number, chunk in zip(range(50), client.get("/users").streaming_content, strict=False):
        User.objects.register(f"late {number}")
        received.append(chunk)
    assert len(json.loads(b"".join(received))) <= len(names) + 1


def test_an_answer_is_freed_without_garbage_collection(rf: RequestFactory, names) -> None:
    view = UserViewSet.as_view({"get": "list"})
    gc.disable()
    try:
        answer = weakref.ref(view(rf.get("/users?page_size=5")))
        assert answer() is None
    finally:
        gc.enable()
