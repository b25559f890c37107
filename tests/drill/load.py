"""The clients of a fault, all at once, with a user for each."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from math import inf
from time import monotonic
from urllib.parse import urlsplit

from tests.drill.clients import Client
from tests.drill.drawers import Drawer, KeyedDrawer, Reader
from tests.drill.ledger import Ledger

BEAT = 0.05  # seconds


@dataclass(frozen=True)
class Pace:
    """How many clients there are, and for how many seconds they draw."""

    clients: int  # of each kind: with a key, and without one
    readers: int
    before: float  # a fault
    during: float  # a fault, once it is felt
    after: float  # everything has healed


FULL = Pace(clients=12, readers=2, before=1.5, during=6, after=1.5)
QUICK = Pace(clients=6, readers=1, before=0.3, during=1, after=0.3)


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
        self.late = Lateness(stopped)

    @property
    def lateness(self) -> float:
        """Return by how many seconds this process was late, at most."""
        return self.late.worst

    def __enter__(self) -> "Load":
        for thread in (self.late, *self.clients):
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stopped.set()
        for thread in (self.late, *self.clients):
            thread.join()

    def now(self) -> float:
        """Return the time by the clients' clock."""
        return monotonic()

    def go_on(self, seconds: float) -> None:
        """Let the clients draw for a while."""
        self.stopped.wait(seconds)

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

    def wait_until_felt(self, start: float, seconds: float) -> bool:
        """Wait until a request has failed since `start`."""
        return self.wait_for(lambda: self.last_failure(start) > 0, seconds)

    def last_failure(self, start: float, end: float = inf) -> float:
        """Return how many seconds after `start` the last request failed; 0 if none did."""
        answers = [answer for client in self.clients for answer in list(client.answers)]
        failed = [one.end for one in answers if not one.succeeded and start <= one.end < end]
        return max(failed, default=start) - start


def register(url: str, ledger: Ledger, kind: str, number: int) -> list[str]:
    """Register users for clients of a kind, and return their names."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
    names = [f"{ledger.users}{kind}/{count}" for count in range(1, number + 1)]
    for name in names:
        body = json.dumps({"name": name})
        connection.request("POST", "/users", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
        if response.status != 201:
            raise RuntimeError(f"{name} was not registered: {answer.decode()}")
    connection.close()
    return names


def make(users: str, numbers: str, ledger: Ledger, pace: Pace) -> Load:
    """Return a load of all kinds of clients, for services at two addresses."""
    stopped = threading.Event()
    kinds = ((Drawer, pace.clients), (KeyedDrawer, pace.clients), (Reader, pace.readers))
    clients: list[Client] = [
        kind(numbers, name, ledger, stopped)
        for kind, number in kinds
        for name in register(users, ledger, kind.__name__, number)
    ]
    return Load(clients, stopped)
