"""The state folder: logs, secrets, and which processes run. By default it is .state."""

import fcntl
import os
import pwd
import secrets
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from local_shell import ROOT, die

# What remove() takes away, beside the pid files and the ports.
FOLDERS = ("secrets", "logs", "pytest")
FILES = ("lock", "admin_made_in", "postgres_home", "postgres.lock")


class StateFolder:
    """A folder with everything that the front script keeps."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "logs"
        self.secrets = path / "secrets"
        self.install_log = self.logs / "install.log"  # of the last installation only
        self.lock_file: IO[str] | None = None

    @classmethod
    def from_environment(cls) -> "StateFolder":
        """Return the folder that STATE_DIR names, or else the one beside this file."""
        return cls(Path.cwd() / (os.environ.get("STATE_DIR") or ROOT / ".state"))

    def make(self) -> None:
        """Make the folder where it is missing; exit if this account cannot use it."""
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            self.secrets.mkdir(mode=0o700, exist_ok=True)
        except OSError:
            die(f"{self.path} cannot be written by {account()}.")
        if self.secrets.stat().st_uid != os.geteuid():
            die(f"{self.path} belongs to another account than {account()}.")

    def lock(self) -> None:
        """Wait until no other front script prepares or starts anything in this folder."""
        self.lock_file = (self.path / "lock").open("w")
        try:
            fcntl.flock(self.lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another manage_all.sh to end…", file=sys.stderr)
            fcntl.flock(self.lock_file, fcntl.LOCK_EX)

    def unlock(self) -> None:
        """Let other front scripts go on; otherwise the lock lasts as long as the process."""
        if self.lock_file:
            self.lock_file.close()

    def make_secrets(self, names: Iterable[str]) -> None:
        """Draw the passwords and keys that are missing; only this account can read them."""
        for name in names:
            file = self.secrets / name
            file.touch(mode=0o600)
            if not file.stat().st_size:
                file.write_text(f"{secrets.token_urlsafe(40)}\n")

    def remove(self) -> None:
        """Remove the folder, or only what is ours if the user keeps other files in it."""
        for name in FOLDERS:
            shutil.rmtree(self.path / name, ignore_errors=True)
        ours = [self.path / name for name in FILES]
        for file in (*ours, *self.path.glob("*.pid"), *self.path.glob("*.port")):
            file.unlink(missing_ok=True)
        try:
            self.path.rmdir()
        except OSError:
            print(f"{self.path} holds other files too, and was left.")


def account() -> str:
    """Return the name of the account that this runs under, or its number if it has none."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
