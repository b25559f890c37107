"""Requests of one moment share one statement.

A statement takes about as long for many requests as for one, and so does the commit of rows. So a
request runs one for itself and all that have arrived; those that come while it does wait, and the
first of them runs the next. Each statement begins after all of its requests have come, so it reads
what was saved before them, and each is answered after its commit.
"""

import time
from collections.abc import Callable, Sequence
from threading import Event, Lock
from types import TracebackType
from typing import Generic, TypeVar

from django.db import OperationalError, connection

from common.database.deadline import time_for_others
from common.database.pool import Busy

# Seconds for which others may join a statement before it begins, as long as any do.
GATHERING = 0.02
# Seconds: more than none, since only who sleeps lets other greenlets look for what has arrived.
MOMENT = 1e-9

Argument = TypeVar("Argument")
Result = TypeVar("Result")


class _Request(Generic[Argument, Result]):
    """What a request asks for, and what becomes of it."""

    def __init__(self, argument: Argument) -> None:
        self.argument = argument
        self.latest = time.monotonic() + time_for_others()  # when its own statement has to begin
        self.turn = Event()  # set when this is done, or when it is the next to run the statement
        self.is_done = False
        self.result: Result
        self.error: BaseException | None = None
        self.traceback: TracebackType | None = None  # the error's, up to where it was caught

    def finish(self) -> None:
        """Let it go on, with its result or an error."""
        self.is_done = True
        self.turn.set()


class SharedStatement(Generic[Argument, Result]):
    """Calls `run` with the arguments of one moment, and returns to each caller its own result.

    `run` returns as many results as it was given arguments, in their order. Where it raises, all
    who share it get the exception: arguments have to be valid before. Who has waited too long for
    others gets an OperationalError. At most `most` share one statement.
    """

    def __init__(
        self, run: Callable[[Sequence[Argument]], Sequence[Result]], most: int = 1000
    ) -> None:
        self._run = run
        self._most = most
        self._lock = Lock()
        self._waiting: list[_Request[Argument, Result]] = []
        self._is_busy = False

    def __call__(self, argument: Argument) -> Result:
        """Run the statement for an argument, together with those of other requests."""
        if connection.in_atomic_block:  # which may be rolled back, and others' rows with it
            return self._run([argument])[0]
        request: _Request[Argument, Result] = _Request(argument)
        with self._lock:
            self._waiting.append(request)
            has_to_wait, self._is_busy = self._is_busy, True
        if has_to_wait:
            request.turn.wait()
        if not request.is_done:
            self._gather()
            self._run_for_all()
        if request.error:
            # All who share it raise it; each would otherwise add its frames to those of the others.
            raise request.error.with_traceback(request.traceback)
        return request.result

    def _gather(self) -> None:
        """Let those join that have arrived but were not read yet."""
        joined, end = 0, time.monotonic() + GATHERING
        while joined < len(self._waiting) and time.monotonic() < end:
            joined = len(self._waiting)
            time.sleep(MOMENT)

    def _run_for_all(self) -> None:
        with self._lock:
            requests, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        try:
            results = self._run([request.argument for request in requests])
            for request, result in zip(requests, results, strict=True):
                request.result = result
        except BaseException as error:
            for request in requests:
                request.error, request.traceback = error, error.__traceback__
        finally:
            with self._lock:
                self._hand_over()
            for request in requests:
                request.finish()

    def _hand_over(self) -> None:
        """Let the next request run a statement, and tell those that have waited too long."""
        now = time.monotonic()
        while self._waiting and self._waiting[0].latest < now:
            late = self._waiting.pop(0)
            late.error = OperationalError("Others' statements have taken too long.")
            late.error.__cause__ = Busy()
            late.finish()
        if self._waiting:
            self._waiting[0].turn.set()
        self._is_busy = bool(self._waiting)
