"""The services' processes on this machine: a gunicorn for each, found again by its pid file."""

import itertools
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import local_environments
from common.services import SERVICES, Service
from local_logs import last, open_new
from local_shell import ROOT, die, print_tail, undisturbed
from local_state import StateFolder, discard, read, write

GUNICORN_CONFIG = "common/serving/gunicorn.conf.py"
# What provisioning may read and a service must not: the administrator's and all roles' passwords.
PRIVATE = (
    "DB_ADMIN_",
    *(f"{service.prefix}_{kind}DB_" for service in SERVICES for kind in ("", "OWNER_")),
)


class LocalService:
    """A service on this machine, whether it runs or not."""

    def __init__(self, service: Service, state: StateFolder, environ: dict[str, str]) -> None:
        self.service = service
        self.name = service.name
        self.application = f"{self.name}_project.wsgi"
        self.environ = environ
        self.secrets = state.secrets
        self.log = state.logs / f"{self.name}.log"
        self.pid_file = state.path / f"{self.name}.pid"
        self.port_file = state.path / f"{self.name}.port"
        self.process: subprocess.Popen[bytes] | None = None  # if this front script started it

    @property
    def files(self) -> list[Path]:
        """Return the service's files in the state folder, beside its secrets."""
        return [self.log, last(self.log), self.pid_file, self.port_file]

    def process_id(self) -> int | None:
        """Return the id of gunicorn's first process, or None if the service does not run."""
        # A child's id is not reused before poll() has returned its code. Its command line may still
        # be empty just after the start.
        if self.process and self.process.poll() is None:
            return self.process.pid
        try:
            pid = int(read(self.pid_file))
            if pid <= 0:  # kill would take it for a process group
                return None
            os.kill(pid, 0)
        except (OSError, ValueError, OverflowError):
            return None
        return pid if self.is_command_of(pid) else None

    def is_command_of(self, pid: int) -> bool:
        """Return whether a process is this service's; ids are reused by other programs."""
        if not Path("/proc/self").exists():
            return True  # only Linux tells
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return b"gunicorn" in arguments and self.application.encode() in arguments

    def is_running(self) -> bool:
        """Return whether the service's first process is there."""
        return self.process_id() is not None

    @property
    def port_variable(self) -> str:
        """Return the variable that chooses the port."""
        return f"{self.service.prefix}_PORT"

    @property
    def chosen_port(self) -> str:
        """Return the port for the next start, as the user wrote it."""
        return self.environ.get(self.port_variable) or str(self.service.port)

    @property
    def port(self) -> str:
        """Return the port; a running service keeps the one that it was started on."""
        return (read(self.port_file) if self.is_running() else "") or self.chosen_port

    @property
    def password_variable(self) -> str:
        """Return the variable with the password of the service's role."""
        return f"{self.service.prefix}_DB_PASSWORD"

    @property
    def owner_password_variable(self) -> str:
        """Return the variable with the password of the role that owns the service's tables."""
        return f"{self.service.prefix}_OWNER_DB_PASSWORD"

    @property
    def secret_names(self) -> list[str]:
        """Return the files in the folder of secrets that belong to the service."""
        return [f"{self.name}_db", f"{self.name}_owner_db", f"{self.name}_secret_key"]

    def choose_passwords(self) -> None:
        """Let provisioning use the passwords in the state folder, where none are set."""
        for variable, file in (
            (self.password_variable, self.password_file),
            (self.owner_password_variable, self.owner_password_file),
        ):
            if not self.environ.get(variable):
                self.environ[f"{variable}_FILE"] = file

    @property
    def password_file(self) -> str:
        """Return the file with the role's password, which the user may have chosen."""
        chosen = self.environ.get(f"{self.password_variable}_FILE")
        return chosen or str(self.secrets / f"{self.name}_db")

    @property
    def owner_password_file(self) -> str:
        """Return the file with the owner's password, which the user may have chosen."""
        chosen = self.environ.get(f"{self.owner_password_variable}_FILE")
        return chosen or str(self.secrets / f"{self.name}_owner_db")

    def missing_passwords(self) -> list[str]:
        """Return the variables of the roles' passwords that the user has not set."""
        variables = (self.password_variable, self.owner_password_variable)
        return [
            variable
            for variable in variables
            if not (self.environ.get(variable) or self.environ.get(f"{variable}_FILE"))
        ]

    def owner_settings(self) -> dict[str, str]:
        """Return the environment for what only the owner of the tables may do, such as migrate."""
        return {
            **self.settings(),
            "DB_USER": self.service.owner_role,
            "DB_PASSWORD": self.environ.get(self.owner_password_variable, ""),
            "DB_PASSWORD_FILE": self.owner_password_file,
        }

    def settings(self) -> dict[str, str]:
        """Return the environment for the service's manage.py and its tests."""
        secret_key_file = self.environ.get("SECRET_KEY_FILE")
        return {
            **self.environ,
            "DJANGO_SETTINGS_MODULE": f"{self.name}_project.settings",
            "DB_USER": self.service.role,
            "DB_PASSWORD": self.environ.get(self.password_variable, ""),
            "DB_PASSWORD_FILE": self.password_file,
            "SECRET_KEY_FILE": secret_key_file or str(self.secrets / f"{self.name}_secret_key"),
        }

    def server_settings(self) -> dict[str, str]:
        """Return the environment for gunicorn: the settings without what others log in with."""
        settings = self.settings()
        # Nothing in front of it ends TLS here.
        redirect = settings.get("SECURE_SSL_REDIRECT") or "false"
        kept = {name: value for name, value in settings.items() if not name.startswith(PRIVATE)}
        return {**kept, "BIND": f"127.0.0.1:{self.chosen_port}", "SECURE_SSL_REDIRECT": redirect}

    def start(self) -> None:
        """Start gunicorn unless the service runs."""
        if self.is_running():
            return
        gunicorn = [
            local_environments.SERVICES.python,
            "-m",
            "gunicorn",
            "--config",
            GUNICORN_CONFIG,
        ]
        with undisturbed(), open_new(self.log) as log:
            write(self.port_file, self.chosen_port)
            self.process = subprocess.Popen(
                [*gunicorn, self.application],
                cwd=ROOT,
                env=self.server_settings(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for the front script, which then stops everything in order.
                start_new_session=True,
            )
            write(self.pid_file, str(self.process.pid))

    def require_free_port(self) -> None:
        """Exit if the port is no port, or if another program listens on it."""
        port = self.chosen_port
        if not (port.isdecimal() and 0 < int(port) < 65536):
            die(f"{port!r} is no port; a port is a number from 1 to 65535.")
        end = time.monotonic() + 10  # the workers of a killed gunicorn take a second to notice
        while not is_free(int(port)):
            if time.monotonic() > end:
                variables = " or ".join(f"{service.prefix}_PORT" for service in SERVICES)
                die(f"Port {port} is taken; free it, or set {variables} to another.")
            time.sleep(0.1)

    def wait_until_ready(self) -> None:
        """Wait until the service answers that it is ready; exit if it does not."""
        end = time.monotonic() + 120  # a service that cannot start ends by itself, much sooner
        while self.is_running() and time.monotonic() < end:
            if self.is_ready():
                return
            time.sleep(0.05)
        print_tail(self.log)
        die(f"The {self.name} service did not become ready; its log ends as above.")

    def is_ready(self) -> bool:
        """Return whether the readiness probe succeeds."""
        # Imported here since it takes as long as all of `status`.
        from http.client import HTTPException
        from urllib.request import ProxyHandler, build_opener

        opener = build_opener(ProxyHandler({}))  # a proxy cannot reach this machine's own address
        try:
            opener.open(f"http://127.0.0.1:{self.port}/readyz", timeout=5).close()
        except (OSError, HTTPException):
            return False
        return True

    def send(self, number: signal.Signals) -> None:
        """Send a signal to gunicorn's first process, if the service runs."""
        pid = self.process_id()
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def require_free_ports(services: Iterable[LocalService]) -> None:
    """Exit if a service cannot be started on the port that is chosen for it."""
    services = list(services)
    for one, other in itertools.combinations(services, 2):
        if one.chosen_port == other.chosen_port:
            die(f"{one.port_variable} and {other.port_variable} are both {one.chosen_port}.")
    for service in services:
        if not service.is_running():
            service.require_free_port()


def is_free(port: int) -> bool:
    """Return whether a program could listen on a port."""
    with socket.socket() as candidate:
        # Connections that have just ended do not make a port taken.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def stop(services: Iterable[LocalService]) -> None:
    """Stop services together: all are asked to first, and those that take too long are killed."""
    services = list(services)
    for service in services:
        service.send(signal.SIGTERM)
    end = time.monotonic() + 30  # gunicorn itself ends requests that take longer than 25 seconds
    for service in services:
        while service.is_running():
            if time.monotonic() > end:
                service.send(signal.SIGKILL)
            time.sleep(0.1)
        discard(service.pid_file)
        discard(service.port_file)
