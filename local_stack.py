"""Everything that runs on this machine: the services and, unless DB_HOST is set, a PostgreSQL."""

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import local_environments
import local_services
from common.services import SERVICES
from local_postgres import LocalPostgres
from local_services import LocalService
from local_shell import ROOT, die, ignore_signals, run, undisturbed
from local_state import StateFolder, read, remove, write

# The words of manage.py that change tables, or rows that a service may only add.
OWNER_WORDS = ("flush", "migrate", "prune_numbers", "remove_stale_contenttypes")


class LocalStack:
    """The services and their database.

    `environ` is what every command gets; use_database adds where the database is.
    """

    def __init__(self, state: StateFolder, environ: Mapping[str, str]) -> None:
        self.state = state
        self.environ = dict(environ)
        self.services = [LocalService(service, state, self.environ) for service in SERVICES]

    @classmethod
    def from_environment(cls) -> "LocalStack":
        """Return the stack that the environment describes."""
        return cls(StateFolder.from_environment(), os.environ)

    def prepare(self) -> None:
        """Make what has to be there before anything runs: folders, packages, secrets."""
        self.state.make()
        self.state.lock()
        local_environments.ensure(local_environments.SERVICES, self.state.install_log)
        self.make_secrets()
        self.collect_static_files()

    def make_secrets(self) -> None:
        """Draw the passwords and keys that are missing."""
        if not self.environ.get("DB_HOST"):
            LocalPostgres(self.state.path).require_password()
        self.state.make_secrets(self.secret_names)

    @property
    def secret_names(self) -> list[str]:
        """Return the files in the folder of secrets."""
        names = ["postgres", "admin"]
        for service in self.services:
            names += service.secret_names
        return names

    def collect_static_files(self) -> None:
        """Collect the files that all pages use, unless that was done since ours have changed."""
        if local_environments.are_collected():
            return
        remove(local_environments.STATIC_FILES)
        with self.state.install_log.open("w") as log:
            words = ("collectstatic", "--noinput")
            result = self.manage(self.services[0], *words, stdout=log, stderr=log)
        if result.returncode:
            die(f"The static files could not be collected. See {self.state.install_log}")

    def manage(
        self, service: LocalService, *words: str, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run a service's manage.py, as the owner where needed; the options are those of run()."""
        script = f"{ROOT}/{service.name}_project/manage.py"
        command = [local_environments.SERVICES.python, script, *words]
        settings = service.owner_settings() if words[0] in OWNER_WORDS else service.settings()
        return run(command, **{"env": settings, **options})

    # The database

    def use_database(self) -> None:
        """Point every command to the user's PostgreSQL, or start one and point it there."""
        self.environ["DB_NAME"] = self.environ.get("DB_NAME") or "random"
        if not self.environ.get("DB_HOST"):
            self.use_local_postgres()
        if self.environ.get("DB_ADMIN_USER"):
            for service in self.services:
                service.choose_passwords()

    def use_local_postgres(self) -> None:
        """Start this machine's PostgreSQL, and point every command to it."""
        with undisturbed():
            started = self.local_postgres("start", stdout=subprocess.PIPE)
        if started.returncode:
            sys.exit(1)
        self.environ |= {
            "DB_HOST": "127.0.0.1",
            "DB_PORT": started.stdout.strip(),
            "DB_ADMIN_USER": "postgres",
            "DB_ADMIN_PASSWORD_FILE": str(self.state.secrets / "postgres"),
        }
        self.environ.pop("DB_ADMIN_PASSWORD", None)

    def local_postgres(self, verb: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run local_postgres.py on the Python that has its package, out of reach of Ctrl-C."""
        script = [local_environments.SERVICES.python, f"{ROOT}/local_postgres.py"]
        return subprocess.run(
            [*script, verb, str(self.state.path)], text=True, start_new_session=True, **options
        )

    def provision(self) -> None:
        """Make the database, the roles and the schemas, if an administrator is known."""
        if self.environ.get("DB_ADMIN_USER"):
            command = [local_environments.SERVICES.python, "-m", "common.provision"]
            if run(command, cwd=ROOT, env=self.environ).returncode:
                sys.exit(1)

    def migrate(self) -> None:
        """Migrate every service, in the order of SERVICES."""
        for service in self.services:
            if self.manage(service, "migrate", "--verbosity", "0").returncode:
                die(f"The {service.name} service cannot be started; see above.{self.missing()}")

    def missing(self) -> str:
        """Return which passwords of a server that others have provisioned have not been given."""
        if self.environ.get("DB_ADMIN_USER"):
            return ""
        variables = [name for service in self.services for name in service.missing_passwords()]
        given = ", ".join(["DB_ADMIN_USER", *variables])
        return f" DB_HOST is set, but none of {given}." if variables else ""

    def owners(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Print who may do what in the database; any role may look."""
        command = [local_environments.SERVICES.python, "-m", "common.owners", *words]
        return run(command, cwd=ROOT, env=self.services[0].settings())

    def make_admin_accounts(self) -> None:
        """Make each service's account `admin`, once for each database."""
        made_in = self.state.path / "admin_made_in"
        made = read(made_in).splitlines()
        for service in self.services:
            line = f"{self.environ['DB_HOST']}:{self.environ['DB_NAME']} {service.name}"
            if line not in made:
                self.make_admin_account(service)
                made.append(line)
                write(made_in, "\n".join(made))

    def make_admin_account(self, service: LocalService) -> None:
        """Make a service's account `admin`, and print its password if it is new."""
        password = read(self.state.secrets / "admin")
        superuser = {"DJANGO_SUPERUSER_PASSWORD": password, "DJANGO_SUPERUSER_EMAIL": ""}
        result = self.manage(
            service,
            *("createsuperuser", "--noinput", "--username", "admin", "--email", ""),
            env={**service.settings(), **superuser},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if result.returncode == 0:
            print(f"Admin account of {service.name}: admin, password: {password}")
        elif "already taken" in result.stdout:
            print(f"Admin account of {service.name}: admin, with the password that it had.")
        else:
            die(f"The admin account was not made: {result.stdout.rstrip()}")

    # Start and stop

    def is_any_running(self) -> bool:
        """Return whether at least one service runs."""
        return any(service.is_running() for service in self.services)

    def are_all_running(self) -> bool:
        """Return whether every service runs."""
        return all(service.is_running() for service in self.services)

    def start(self) -> None:
        """Start everything, and wait until it is ready."""
        self.use_database()
        self.provision()
        self.migrate()
        self.make_admin_accounts()
        for service in self.services:
            service.start()
        for service in self.services:
            service.wait_until_ready()

    def stop(self) -> None:
        """Stop the services and then this machine's PostgreSQL; the data stays."""
        local_services.stop(self.services)
        if local_environments.SERVICES.is_usable() and self.state.path.is_dir():
            code = self.local_postgres("stop").returncode
            if code:
                sys.exit(code)

    def stop_at_the_end(self) -> None:
        """Stop everything before the process ends; no signal interrupts that."""
        ignore_signals()
        self.stop()

    def postgres_status(self) -> str:
        """Return whether this machine's PostgreSQL runs, and where."""
        try:
            server = LocalPostgres(self.state.path)
            pid = server.process_id()
            return f"running on 127.0.0.1:{server.port()}, process {pid}" if pid else "stopped"
        except PermissionError:
            return "belongs to another account"

    def purge(self) -> None:
        """Remove the data and the state folder of a stack that has been stopped."""
        if self.state.path.is_dir():
            LocalPostgres(self.state.path).purge()
            secrets = [self.state.secrets / name for name in self.secret_names]
            self.state.remove(sum((service.files for service in self.services), secrets))
