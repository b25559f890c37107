"""Request coalescing: concurrent calls share one statement."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction

from common.database import coalescing
from common.database.coalescing import Coalesced, coalesced
from common.database.errors import PoolTimeout
from tests.conftest import wait_for


class Table:
    """A coalesced insert that waits for `may_save` and records its batches."""

    def __init__(self, max_batch_size: int = 100) -> None:
        self.batches: list[list[int]] = []
        self.may_save = threading.Event()
        self.coalesced = Coalesced(self.save_batch, max_batch_size)

    def save(self, row: int) -> int:
        (saved,) = self.coalesced([row])
        return saved

    def save_batch(self, rows: Sequence[int]) -> list[int]:
        self.batches.append(list(rows))
        assert self.may_save.wait(10)
        if 13 in rows:
            raise ValueError("13 cannot be saved")
        return [row * 10 for row in rows]


@pytest.mark.parametrize(("max_batch_size", "sizes"), [(100, [1, 6]), (4, [1, 4, 2])])
def test_calls_during_a_batch_share_the_next_ones_up_to_the_maximum_size(
    max_batch_size: int, sizes: list[int]
) -> None:
    table = Table(max_batch_size)
    with ThreadPoolExecutor(10) as requests:
        first = requests.submit(table.save, 1)
        wait_for(lambda: table.batches, 10)
        others = [requests.submit(table.save, row) for row in range(2, 8)]
        wait_for(lambda: len(table.coalesced._waiting) == 6, 10)
        table.may_save.set()
        assert [first.result(10), *(other.result(10) for other in others)] == [
            10, 20, 30, 40, 50, 60, 70,
        ]  # fmt: skip
    assert [len(batch) for batch in table.batches] == sizes
    assert sorted(row for batch in table.batches for row in batch) == [1, 2, 3, 4, 5, 6, 7]
    assert table.save(8) == 80


@pytest.mark.django_db(transaction=True)
def test_a_call_in_a_transaction_runs_alone() -> None:
    table = Table()

    def save_in_transaction(row: int) -> int:
        # A rollback would undo the rows of other calls too.
        with closing(connection), transaction.atomic():
            return table.save(row)

    with ThreadPoolExecutor(10) as requests:
        first = requests.submit(table.save, 1)
        wait_for(lambda: table.batches, 10)
        other = requests.submit(table.save, 2)
        wait_for(lambda: table.coalesced._waiting, 10)
        alone = requests.submit(save_in_transaction, 3)
        wait_for(lambda: table.batches == [[1], [3]], 10)
        table.may_save.set()
        assert [first.result(10), other.result(10), alone.result(10)] == [10, 20, 30]


@pytest.mark.parametrize(("using", "runs_alone"), [("archive", True), ("default", False)])
def test_a_transaction_counts_only_in_the_database_that_is_used(
    monkeypatch: pytest.MonkeyPatch, using: str, runs_alone: bool
) -> None:
    monkeypatch.setitem(connections.settings, "archive", connections.settings["default"])
    monkeypatch.setattr(connections["archive"], "in_atomic_block", True)
    batches: list[Any] = []
    double = coalesced(lambda numbers: [2 * number for number in numbers], using=using)
    monkeypatch.setattr(double, "_run_batch", lambda: batches.append("a batch"))
    assert list(double([1])) == ([2] if runs_alone else [])
    assert batches == ([] if runs_alone else ["a batch"])


def test_all_calls_of_a_failed_batch_raise_and_the_next_batch_succeeds() -> None:
    table = Table()
    with ThreadPoolExecutor(10) as requests:
        first = requests.submit(table.save, 1)
        wait_for(lambda: table.batches, 10)
        failing = [requests.submit(table.save, row) for row in (12, 13)]
        wait_for(lambda: len(table.coalesced._waiting) == 2, 10)
        table.may_save.set()
        assert first.result(10) == 10
        for one in failing:
            with pytest.raises(ValueError, match="13 cannot be saved"):
                one.result(10)
    assert table.save(2) == 20
    assert table.batches[-1] == [2]


def test_a_call_that_waits_too_long_raises_and_later_calls_succeed(monkeypatch) -> None:
    monkeypatch.setattr(coalescing, "queue_budget", lambda: 0.1)
    table = Table()
    with ThreadPoolExecutor(10) as requests:
        first = requests.submit(table.save, 1)
        wait_for(lambda: table.batches, 10)
        waiting = requests.submit(table.save, 2)
        wait_for(lambda: table.coalesced._waiting, 10)
        latest = table.coalesced._waiting[0].latest
        wait_for(lambda: monotonic() > latest, 10)
        table.may_save.set()
        assert first.result(10) == 10
        with pytest.raises(OperationalError, match="too long") as error:
            waiting.result(10)
    assert isinstance(error.value.__cause__, PoolTimeout)  # so that it counts as an overload
    assert table.save(3) == 30
    assert table.batches == [[1], [3]]


def test_a_call_that_waits_too_long_fails_before_the_next_batch_ends(monkeypatch) -> None:
    monkeypatch.setattr(coalescing, "queue_budget", lambda: 0.1)
    may_end = {1: threading.Event(), 3: threading.Event()}
    wait = coalesced(lambda rows: [may_end[row].wait(10) for row in rows])
    with ThreadPoolExecutor(10) as requests:
        first = requests.submit(wait, [1])
        wait_for(lambda: wait._is_busy and not wait._waiting, 10)
        late = requests.submit(wait, [2])
        wait_for(lambda: wait._waiting, 10)
        latest = wait._waiting[0].latest
        wait_for(lambda: monotonic() > latest, 10)
        last = requests.submit(wait, [3])
        wait_for(lambda: len(wait._waiting) == 2, 10)
        may_end[1].set()
        with pytest.raises(OperationalError, match="too long"):
            late.result(5)
        assert not last.done()
        may_end[3].set()
        assert [first.result(10), last.result(10)] == [[True], [True]]


def test_a_call_that_arrives_before_a_batch_begins_joins_it(monkeypatch) -> None:
    table = Table()
    table.may_save.set()
    with ThreadPoolExecutor(10) as requests:
        others = []

        def submit_another(_: float) -> None:
            if len(others) < 3:
                others.append(requests.submit(table.save, len(others) + 2))
                wait_for(lambda: len(table.coalesced._waiting) == len(others) + 1, 10)

        monkeypatch.setattr(coalescing.time, "sleep", submit_another)
        assert table.save(1) == 10
        assert [other.result(10) for other in others] == [20, 30, 40]
    assert table.batches == [[1, 2, 3, 4]]


def test_calls_that_keep_arriving_do_not_delay_the_batch_forever(monkeypatch) -> None:
    table = Table()
    table.may_save.set()
    now = 0.0
    with ThreadPoolExecutor(10) as requests:
        others = []

        def submit_another(_: float) -> None:
            nonlocal now
            now += coalescing.BATCH_WINDOW / 2
            if len(others) < 8:
                others.append(requests.submit(table.save, len(others) + 2))
                wait_for(lambda: len(table.coalesced._waiting) == len(others) + 1, 10)

        clock = SimpleNamespace(sleep=submit_another, monotonic=lambda: now)
        monkeypatch.setattr(coalescing, "time", clock)
        assert table.save(1) == 10
    assert table.batches == [[1, 2, 3]]


def test_calls_get_the_results_of_their_own_items() -> None:
    batches = []

    @coalesced
    def double(items: Sequence[int]) -> list[int]:
        """Double each item."""
        batches.append(len(items))
        return [item * 2 for item in items]

    with ThreadPoolExecutor(4) as requests:
        calls = [requests.submit(double, range(size)) for size in (3, 0, 2, 1)]
        assert [list(call.result(10)) for call in calls] == [[0, 2, 4], [], [0, 2], [0]]
    assert sum(batches) == 6
    assert double.__doc__ == "Double each item."


def test_a_call_with_more_items_than_the_maximum_runs_as_its_own_batch() -> None:
    table = Table(2)
    table.may_save.set()
    assert table.coalesced([1, 2, 3]) == [10, 20, 30]
    assert table.batches == [[1, 2, 3]]


def test_a_function_that_returns_too_few_results_raises() -> None:
    with pytest.raises(TypeError, match="1 results were returned for 2 items"):
        coalesced(lambda items: items[:1])([1, 2])


class Interruption(BaseException):
    """As a gevent.Timeout around a request."""


def test_a_call_that_is_interrupted_before_its_batch_leaves_the_others_going(monkeypatch) -> None:
    def interrupt(_: float) -> None:
        raise Interruption

    table = Table()
    table.may_save.set()
    with monkeypatch.context() as patched:
        patched.setattr(coalescing.time, "sleep", interrupt)
        with pytest.raises(Interruption):
            table.save(1)
    with ThreadPoolExecutor(1) as requests:
        assert requests.submit(table.save, 2).result(10) == 20
    assert table.batches == [[2]]


def test_a_call_that_is_interrupted_while_it_waits_runs_no_batch_and_stops_none() -> None:
    table = Table()
    with ThreadPoolExecutor(4) as requests:
        first = requests.submit(table.save, 1)
        wait_for(lambda: table.batches, 10)

        class Ready(threading.Event):
            def wait(self, timeout: float | None = None) -> bool:
                super().wait(10)
                raise Interruption

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(coalescing, "Event", Ready)
            interrupted = requests.submit(table.save, 2)
            wait_for(lambda: table.coalesced._waiting, 10)
        other = requests.submit(table.save, 3)
        wait_for(lambda: len(table.coalesced._waiting) == 2, 10)
        table.may_save.set()
        assert first.result(10) == 10
        assert isinstance(interrupted.exception(10), Interruption)
        assert other.result(10) == 30
    assert table.batches == [[1], [3]]


def test_an_interruption_of_a_batch_is_for_its_own_call_alone() -> None:
    may_end = threading.Event()

    @coalesced
    def save(rows: Sequence[int]) -> list[int]:
        assert may_end.wait(10)
        if rows == [2, 3]:
            raise Interruption
        return [row * 10 for row in rows]

    with ThreadPoolExecutor(4) as requests:
        calls = []
        for row in (1, 2, 3):
            calls.append(requests.submit(save, [row]))
            wait_for(lambda: save._is_busy and len(save._waiting) == len(calls) - 1, 10)
        may_end.set()
        assert calls[0].result(10) == [10]
        assert isinstance(calls[1].exception(10), Interruption)
        assert isinstance(calls[2].exception(10), OperationalError)
    assert save([4]) == [40]
