"""A load whose clients run elsewhere, such as in a pod: it is told what to do line by line."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, astuple
from pathlib import Path
from typing import IO, Any

from tests.drill.ledger import Answer, Draw, Ledger
from tests.drill.load import Pace, make

# What has to be there, in the order of the imports; none of it needs more than Python.
MODULES = ("ledger", "clients", "drawers", "load", "remote")
START = """
import json, sys, types
for name, source in json.loads(sys.stdin.readline()):
    sys.modules[name] = types.ModuleType(name)
    exec(source, sys.modules[name].__dict__)
sys.modules["tests.drill.remote"].serve(sys.stdin, sys.stdout)
"""


def sources() -> str:
    """Return the modules, by name."""
    folder = Path(__file__).parent
    found = [(f"tests.drill.{one}", (folder / f"{one}.py").read_text()) for one in MODULES]
    return json.dumps(found)


class RemoteLoad:
    """Stands for a load that another Python runs; `command` runs that with what is added to it."""

    def __init__(
        self, command: Sequence[str], users: str, numbers: str, ledger: Ledger, pace: Pace
    ) -> None:
        self.command = [*command, "-c", START]
        self.ledger = ledger
        self.order = [users, numbers, ledger.users, ledger.after, asdict(pace)]

    def __enter__(self) -> "RemoteLoad":
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(self.command, stdin=pipe, stdout=pipe, text=True)
        try:
            self.say(sources())
            self.ask(*self.order)
        except BaseException as error:
            self.__exit__(type(error))
            raise
        return self

    def __exit__(self, kind: object, *exception: object) -> None:
        """Let the clients stop, and take over what they have written down."""
        with self.process:
            if kind:
                self.process.kill()
                return
            found = self.ask("stop")
        self.ledger.draws += [(Draw(*one), answer(*other)) for one, other in found["draws"]]
        self.ledger.lists += [answer(*one) for one in found["lists"]]
        self.ledger.hidden += found["hidden"]

    def say(self, line: str) -> None:
        """Send a line."""
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def ask(self, *words: Any) -> Any:
        """Send a method's name and arguments, and return what it has returned."""
        assert self.process.stdout
        self.say(json.dumps(words))
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("The clients have ended by themselves.")
        return json.loads(line)

    def __getattr__(self, name: str) -> Any:
        """Return a method of the other load."""
        return lambda *arguments: self.ask(name, *arguments)

    @property
    def lateness(self) -> float:
        """Return by how many seconds the clients' process was late, at most."""
        return float(self.ask("lateness"))


def answer(start: float, end: float, status: int | None, body: str, retry: bool) -> Answer:
    """Return an answer that was written down elsewhere."""
    return Answer(start, end, status, body.encode(), retry)


def serve(orders: IO[str], answers: IO[str]) -> None:
    """Do what the lines say, and answer each by one line."""
    users, numbers, names, after, pace = json.loads(orders.readline())
    ledger = Ledger(names, after)
    with make(users, numbers, ledger, Pace(**pace)) as local:
        tell(answers, None)
        for name, *arguments in map(json.loads, orders):
            if name == "stop":
                break
            found = getattr(local, name)
            tell(answers, found(*arguments) if callable(found) else found)
    draws = [(astuple(one), plain(other)) for one, other in ledger.draws]
    lists = [plain(one) for one in ledger.lists]
    tell(answers, {"draws": draws, "lists": lists, "hidden": ledger.hidden})


def plain(one: Answer) -> list[Any]:
    """Return an answer as JSON can say it."""
    return [one.start, one.end, one.status, one.body.decode(), one.has_retry_after]


def tell(answers: IO[str], found: Any) -> None:
    """Send a line."""
    print(json.dumps(found), file=answers, flush=True)
