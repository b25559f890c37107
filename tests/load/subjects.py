"""What is compared: our services as the README starts them, rungs below them, and their peers."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from common.services import SERVICES
from local_postgres import free_port
from tests.load.database import Database
from tests.load.processes import Service, age, answers, launch, uninterrupted
from tests.load.report import FASTAPI, OLD, OURS, PLAIN, SERVING, TEXTBOOK
from tests.plain import copies

ROOT = Path(__file__).resolve().parent.parent.parent
PEERS = Path(__file__).with_name("peers")
BENCH_BIN = ROOT / ".venv-bench" / "bin"
NAMES = ("users", "numbers")


class FrontScript:
    """Services by a checkout's manage_all.sh, with a state folder and ports of their own."""

    def __init__(self, state: Path, root: Path = ROOT, **more: str) -> None:
        self.state = state
        self.root = root
        self.prefix: tuple[str, ...] = ()  # a command that runs it
        self.log = state.with_suffix(".log")
        self.ports = {service.name: free_port() for service in SERVICES}
        ports = {f"{name.upper()}_PORT": str(port) for name, port in self.ports.items()}
        self.environment = {**os.environ, **ports, "STATE_DIR": str(state), **more}

    def url(self, name: str) -> str:
        """Return a service's address."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def run(self, *words: str) -> None:
        """Run a command of it to its end."""
        with uninterrupted(), self.begin(*words) as process:
            process.wait()
        self.require_success(process)

    def begin(self, *words: str) -> subprocess.Popen[bytes]:
        """Begin a command of it; what it prints goes to a file."""
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [*self.prefix, self.root / "manage_all.sh", *words],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def require_success(self, process: subprocess.Popen[bytes]) -> None:
        """Raise what it said where it failed."""
        if process.returncode:
            raise RuntimeError(self.log.read_text())

    def service(self, name: str) -> Service:
        """Return a service that has been started."""
        return Service(self.url(name), int((self.state / f"{name}.pid").read_text()))

    def restart(self, service: Service, name: str) -> Service:
        """Start a service anew, and see how long it takes from its first process to its answer."""
        service.stop()
        with uninterrupted(), self.begin("up", "--detach") as process:
            while process.poll() is None and not answers(service.url):
                time.sleep(0.005)
            ready = self.service(name)
            ready.seconds_to_ready = age(ready.pid)
            process.wait()
        self.require_success(process)
        return ready


class OldFrontScript(FrontScript):
    """That of another version, on our database."""

    def __init__(self, database: Database, root: Path, **more: str) -> None:
        super().__init__(database.state.with_name("old"), root, **more)
        self.database = database

    def begin(self, *words: str) -> subprocess.Popen[bytes]:
        # A version without owners checks that the services' own roles may migrate, although there
        # is nothing to do for it. Whenever ours start, they take that right away.
        for name in NAMES:
            self.database.run(f"GRANT CREATE ON SCHEMA {name} TO {name}_service")
        return super().begin(*words)


@dataclass
class Subject:
    """The two services of one maker."""

    name: str
    users: Service
    numbers: Service
    front_script: FrontScript | None = None  # where one has started them
    revision: str = ""  # of another checkout


@contextmanager
def by_front_script(name: str, front_script: FrontScript) -> Iterator[Subject]:
    """Start services by their front script; stop and remove all at the end."""
    try:
        front_script.run("up", "--detach")
        services = [front_script.service(service) for service in NAMES]
        yield Subject(name, *services, front_script)
    finally:
        front_script.run("down", "--purge", "--yes")


@contextmanager
def old_version(root: Path, database: Database) -> Iterator[Subject]:
    """Start the services of another checkout, on the tables that all subjects share."""
    shared = {
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(database.server.port()),
        **{
            f"{name.upper()}_{kind}DB_PASSWORD_FILE": str(database.state / "secrets" / file)
            for name in NAMES
            for kind, file in (("", f"{name}_db"), ("OWNER_", f"{name}_owner_db"))
        },
    }
    front_script = OldFrontScript(database, root.resolve(), **shared)
    with by_front_script(OLD, front_script) as subject:
        subject.revision = revision(root)
        yield subject


def revision(root: Path) -> str:
    """Return which commit a checkout is at."""
    command = ["git", "-C", str(root), "log", "-1", "--format=%h, %s"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout.strip() or str(root)


@contextmanager
def rungs(database: Database) -> Iterator[list[Subject]]:
    """Start our services without some of their optional rooms, in copies of the project."""
    kinds = (
        (PLAIN, copies.make_plain, copies.plain_command),
        (SERVING, copies.make_without_fast, copies.serving_command),
    )
    with ExitStack() as stack:
        subjects = []
        for name, make, command in kinds:
            copy = database.state.with_name(make.__name__)
            copy.mkdir()
            make(copy)
            started = copies.running(copy, database.state, command)
            subjects.append(Subject(name, *stack.enter_context(started)))
        yield subjects


@contextmanager
def peers(database: Database, logs: Path) -> Iterator[list[Subject]]:
    """Start the peers, two worker processes for each service; stop them at the end."""
    with ExitStack() as stack:
        subjects = []
        for name, command in ((FASTAPI, fastapi), (TEXTBOOK, textbook)):
            log = stack.enter_context((logs / f"{command.__name__}.log").open("wb"))
            services = []
            for service in NAMES:
                port = free_port()
                with uninterrupted():
                    started = launch(
                        command(service, port),
                        f"http://127.0.0.1:{port}",
                        log,
                        PEERS,
                        database.environment(service),
                    )
                    stack.callback(started.stop)
                services.append(started)
            subjects.append(Subject(name, *services))
        yield subjects


def fastapi(service: str, port: int) -> list[str]:
    """Return the command that starts the FastAPI peer, with its fastest loop and parser."""
    options = f"--host 127.0.0.1 --port {port} --workers 2 --no-access-log".split()
    return [str(BENCH_BIN / "uvicorn"), f"fastapi_peer:{service}", *options]


def textbook(service: str, port: int) -> list[str]:
    """Return the command that starts the textbook peer."""
    options = f"--bind 127.0.0.1:{port} --workers 2 --no-control-socket".split()
    return [sys.executable, "-m", "gunicorn", *options, "textbook_drf"]


def start(stack: ExitStack, state: Path, old: Path | None = None) -> tuple[Database, list[Subject]]:
    """Start everything; the stack ends it. The first subject is ours."""
    ours = stack.enter_context(by_front_script(OURS, FrontScript(state)))
    database = Database(state)
    stack.callback(database.connection.close)
    subjects = [ours]
    if old:
        subjects.append(stack.enter_context(old_version(old, database)))
    subjects += stack.enter_context(rungs(database))
    subjects += stack.enter_context(peers(database, state / "logs"))
    return database, subjects
