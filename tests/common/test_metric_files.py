"""The files in which processes keep their metrics."""

import logging
import os
from contextlib import closing
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from common.observability import metric_files, metrics
from common.observability.metric_files import AllocatedDict


def is_allocated(file: Path) -> bool:
    """Return whether a file has all its blocks, so that a write to its memory cannot fail."""
    found = file.stat()
    return found.st_blocks * 512 >= found.st_size


def test_the_blocks_of_a_file_are_allocated_before_they_are_written(tmp_path: Path) -> None:
    file = tmp_path / "histogram_1.db"
    values = AllocatedDict(str(file))
    assert file.stat().st_size == metric_files.SIZE
    assert is_allocated(file)
    for number in range(metric_files.SIZE // 100):
        values.write_value(f"{number:0100}", number, 0)
    assert file.stat().st_size > metric_files.SIZE
    assert is_allocated(file)
    values.close()


def test_a_new_process_goes_on_with_the_file_of_one_that_has_ended(tmp_path: Path) -> None:
    file = str(tmp_path / "histogram_1.db")
    with closing(AllocatedDict(file)) as values:
        values.write_value("key", 41.0, 0)
    with closing(AllocatedDict(file)) as values:
        assert values.read_value("key")[0] == 41.0


def test_the_least_number_that_no_running_process_has_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metric_files, "number", 0)
    assert metric_files.file_number() == os.getpid()
    first, second, third = [SimpleNamespace(number=0) for _ in range(3)]
    metric_files.give_number(first, [])
    metric_files.give_number(second, [first])
    metric_files.give_number(third, [second])  # The first one has ended.
    assert [one.number for one in (first, second, third)] == [1, 2, 1]
    assert metric_files.file_number() == 1


def test_a_request_is_answered_and_logged_once_when_there_is_no_room_to_count_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*labels: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(metrics, "duration", SimpleNamespace(labels=fail))
    monkeypatch.setattr(metrics, "series", cache(metrics.series.__wrapped__))
    answer = HttpResponse("an answer")
    request = RequestFactory().get("/")
    request.resolver_match = None
    for _ in range(3):
        assert metrics.MetricsMiddleware(lambda request: answer)(request) is answer
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
