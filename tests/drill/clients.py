"""What all clients of the random number service do: they send requests, one after another."""

import random
import select
import threading
from http.client import HTTPConnection, HTTPException
from time import monotonic
from urllib.parse import urlsplit

from tests.drill.ledger import Answer, Ledger

GIVE_UP = 60.0  # seconds without an answer; far above what any answer may take
PAUSE = 0.02  # seconds between two requests of a client
PAUSE_AFTER_FAILURE = 0.1  # seconds


class Client(threading.Thread):
    """Sends one request after another until it is told to stop."""

    def __init__(self, url: str, user: str, ledger: Ledger, stopped: threading.Event) -> None:
        super().__init__(name=user, daemon=True)
        self.address = urlsplit(url).netloc
        self.user = user
        self.ledger = ledger
        self.stopped = stopped
        self.random = random.Random(user)
        self.answers: list[Answer] = []
        self.error: BaseException | None = None  # of the drill itself
        self.connection = HTTPConnection(self.address, timeout=GIVE_UP)

    def run(self) -> None:
        try:
            while not self.pause():
                self.step()
        except BaseException as error:
            self.error = error
        finally:
            self.connection.close()

    def pause(self) -> bool:
        """Wait before the next request; return whether the client has to stop."""
        failed = bool(self.answers) and not self.answers[-1].succeeded
        return self.stopped.wait(PAUSE_AFTER_FAILURE if failed else PAUSE)

    def step(self) -> None:
        """Do what this kind of client does."""
        raise NotImplementedError

    def call(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        """Send a request and wait for the whole answer."""
        if is_closed(self.connection):
            self.connection.close()  # and the request opens another
        start = monotonic()
        status, content, has_retry_after = None, b"", False
        try:
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
            content = response.read()
            status, has_retry_after = response.status, "Retry-After" in response.headers
        except (OSError, HTTPException):
            self.connection.close()
        answer = Answer(start, monotonic(), status, content, has_retry_after)
        self.answers.append(answer)
        return answer

    def has_succeeded_since(self, start: float, times: int = 3) -> bool:
        """Return whether its latest requests, all sent after a moment, have succeeded."""
        latest = self.answers[-times:]
        return len(latest) == times and all(one.succeeded and one.start >= start for one in latest)


def is_closed(connection: HTTPConnection) -> bool:
    """Return whether the service has closed a kept connection, as it may; careful clients look."""
    if connection.sock is None:
        return False
    look = select.poll()
    look.register(connection.sock, select.POLLIN)
    return bool(look.poll(0))
