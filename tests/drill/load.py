"""The clients of a fault, all at once."""

import threading
from collections.abc import Callable, Sequence
from math import inf
from time import monotonic

from tests.drill.clients import Client

BEAT = 0.05  # seconds


class Lateness(threading.Thread):
    """Wakes up twenty times a second, and sees how late this process is at that.

    So late it may also be to see an answer that has arrived.
    """

    def __init__(self, stopped: threading.Event) -> None:
        super().__init__(daemon=True)
        self.stopped = stopped
        self.worst = 0.0

    def run(self) -> None:
        due = monotonic() + BEAT
        while not self.stopped.wait(max(0.0, due - monotonic())):
            self.worst = max(self.worst, monotonic() - due)
            due = monotonic() + BEAT


class Load:
    """Clients that run inside the block."""

    def __init__(self, clients: Sequence[Client], stopped: threading.Event) -> None:
        self.clients = clients
        self.stopped = stopped
        self.lateness = Lateness(stopped)

    def __enter__(self) -> "Load":
        for thread in (self.lateness, *self.clients):
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stopped.set()
        for thread in (self.lateness, *self.clients):
            thread.join()

    def wait_for(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is true; return False if it is not within `seconds`."""
        end = monotonic() + seconds
        while not condition():
            for client in self.clients:
                if client.error:
                    raise client.error
            if monotonic() > end:
                return False
            self.stopped.wait(0.02)
        return True

    def wait_until_served(self, start: float, seconds: float) -> bool:
        """Wait until each client has succeeded several times with requests sent since `start`."""
        return self.wait_for(
            lambda: all(client.has_succeeded_since(start) for client in self.clients), seconds
        )

    def last_failure(self, start: float, end: float = inf) -> float:
        """Return how many seconds after `start` the last request failed; 0 if none did."""
        answers = [answer for client in self.clients for answer in list(client.answers)]
        failed = [one.end for one in answers if not one.succeeded and start <= one.end < end]
        return max(failed, default=start) - start
