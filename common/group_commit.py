"""Rows that requests bring at one moment are saved together.

A statement and its commit take about as long for many rows as for one. So a request that comes
alone saves its row; those that come while it does wait, and the first of them saves the rows of
all. Nobody waits for a clock, and each answer still comes after the commit of its row.
"""

import time
from collections.abc import Callable, Sequence
from threading import Event, Lock
from typing import Generic, TypeVar

from django.db import OperationalError

# Seconds after which a row is not saved any more: saving may take as long again, and the contract
# allows five.
PATIENCE = 1.5

Row = TypeVar("Row")
Saved = TypeVar("Saved")


class _Entry(Generic[Row, Saved]):
    """A row, and what becomes of it."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.arrival = time.monotonic()
        self.turn = Event()  # set when the row is saved, or when its request is the next to save
        self.is_done = False
        self.saved: Saved
        self.error: BaseException | None = None


class GroupCommit(Generic[Row, Saved]):
    """Calls `save` with the rows of one moment, and returns to each caller what it has of its row.

    `save` returns as many things as it was given, in their order. Where it raises, nothing is
    saved and all whose rows these were get the exception: rows have to be valid before. Who has
    waited too long for others gets an OperationalError.
    """

    def __init__(self, save: Callable[[Sequence[Row]], Sequence[Saved]]) -> None:
        self._save = save
        self._lock = Lock()
        self._waiting: list[_Entry[Row, Saved]] = []
        self._is_busy = False

    def __call__(self, row: Row) -> Saved:
        """Save a row, together with those of other requests."""
        entry: _Entry[Row, Saved] = _Entry(row)
        with self._lock:
            self._waiting.append(entry)
            has_to_wait, self._is_busy = self._is_busy, True
        if has_to_wait:
            entry.turn.wait()
        if not entry.is_done:
            time.sleep(0)  # Requests that have arrived, but were not read yet, can still join.
            self._save_waiting()
        if entry.error:
            raise entry.error
        return entry.saved

    def _save_waiting(self) -> None:
        with self._lock:
            entries, self._waiting = self._waiting, []
        oldest = time.monotonic() - PATIENCE
        for entry in entries:
            if entry.arrival < oldest:
                entry.error = OperationalError("Other rows have been saved for too long.")
        in_time = [entry for entry in entries if not entry.error]
        try:
            if in_time:
                saved = self._save([entry.row for entry in in_time])
                for entry, its_own in zip(in_time, saved, strict=True):
                    entry.saved = its_own
        except BaseException as error:
            for entry in in_time:
                entry.error = error
        finally:
            with self._lock:
                if self._waiting:
                    self._waiting[0].turn.set()
                self._is_busy = bool(self._waiting)
            for entry in entries:
                entry.is_done = True
                entry.turn.set()
