"""Clients that draw numbers, or list them, and write down what they have sent and received."""

import json
from math import inf
from time import monotonic, sleep
from typing import Any

from tests.drill.clients import GIVE_UP, PAUSE_AFTER_FAILURE, Client
from tests.drill.ledger import Answer, Draw, numbers_of

BATCH = 3  # numbers of a draw with "count"
LIMIT = 1_000_000  # the limit of a client's first draw; each further draw has the next one


class Drawer(Client):
    """Draws numbers, each time once, over a connection that it keeps."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.drawn = 0

    def step(self) -> None:
        self.send(self.next_draw())

    def next_draw(self) -> Draw:
        """Return a draw that nobody has asked for; every tenth is one of several numbers."""
        self.drawn += 1
        return Draw(self.user, LIMIT + self.drawn, None if self.drawn % 10 else BATCH)

    def send(self, draw: Draw) -> Answer:
        """Send a draw, and write down what came of it."""
        answer = self.call("POST", "/generate-random-number", draw.body(), draw.headers())
        self.ledger.draws.append((draw, answer))
        if answer.status == 201:
            self.ledger.acknowledged += [pk for pk, _ in numbers_of(answer.body)]
        return answer


class KeyedDrawer(Drawer):
    """Draws with an Idempotency-Key: repeats each draw until it succeeds, and some once more.

    Each request has a connection of its own, so that any process may answer it.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.done: list[Draw] = []

    def step(self) -> None:
        draw = self.next_draw()
        self.begin(draw)
        self.insist(draw)
        self.done.append(draw)
        if self.drawn % 5 == 0:
            self.insist(self.random.choice(self.done))

    def next_draw(self) -> Draw:
        draw = super().next_draw()
        return Draw(draw.user, draw.limit, draw.count, f"{self.user}/{draw.limit}")

    def begin(self, draw: Draw) -> None:
        """Do something before the draw is sent."""

    def insist(self, draw: Draw) -> None:
        """Send a draw until it succeeds; once the client has to stop, give up after a while."""
        end = inf
        while not self.send(draw).succeeded and monotonic() < end:
            if self.pause():
                end = min(end, monotonic() + GIVE_UP)
                sleep(PAUSE_AFTER_FAILURE)

    def send(self, draw: Draw) -> Answer:
        try:
            return super().send(draw)
        finally:
            self.connection.close()


class Reader(Client):
    """Reads the list of all numbers that were drawn since the fault's clients have started."""

    def step(self) -> None:
        due = self.ledger.due()
        answer = self.call("GET", f"/get-saved-numbers?after={self.ledger.after}", None, {})
        if answer.status == 200:
            self.compare(answer, self.ledger.acknowledged[:due])
            answer.body = b""  # thousands of rows, of which nothing is needed any more
        self.ledger.lists.append(answer)

    def compare(self, answer: Answer, due: list[int]) -> None:
        """Take down what a list that arrived whole lacks; one that does not parse is not whole."""
        try:
            ids = [row["id"] for row in json.loads(answer.body)["savedNumbers"]]
        except ValueError:
            answer.status = None
            return
        if missing := set(due).difference(ids):
            self.ledger.hidden.append(
                f"a list lacks {len(missing)} numbers, such as {min(missing)}"
            )
        if ids != sorted(set(ids)):
            self.ledger.hidden.append("a list has a number twice, or not in order")
