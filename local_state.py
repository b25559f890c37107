"""The state folder: logs, secrets, and which processes run. By default it is .state.

A file that is there is whole: write() sees to it. read() takes one that somebody has emptied, or
filled with something else than text, for one that is missing.
"""

import fcntl
import os
import pwd
import secrets
import shutil
import sys
from collections.abc import Iterable
from contextlib import suppress
from errno import EISDIR
from functools import partial
from pathlib import Path
from typing import IO

from local_shell import ROOT, die

# What remove() takes away, beside the secrets and the files of the services.
FILES = ("lock", "admin_made_in", "postgres_home", "postgres.lock", "postgres.port")
FOLDERS = ("secrets", "logs", ".")


def read(file: Path) -> str:
    """Return the text of a file, stripped, or nothing if there is no such text."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, UnicodeDecodeError):
        return ""


def write(file: Path, text: str, mode: int = 0o644) -> None:
    """Write a line into a file beside its place, and move it there once it is on the disk."""
    if file.is_dir():
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR), str(file))
    unfinished = beside(file)
    discard(unfinished)
    with open(unfinished, "x", encoding="utf-8", opener=partial(os.open, mode=mode)) as output:
        output.write(f"{text}\n")
        output.flush()
        os.fsync(output.fileno())
    unfinished.replace(file)


def beside(file: Path) -> Path:
    """Return where a file is written before it is moved to its place."""
    return file.with_name(f"{file.name}.tmp")


def discard(file: Path) -> None:
    """Remove a file of ours if it exists; a folder in its place is not ours."""
    if file.is_symlink() or not file.is_dir():
        file.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


SHORTEST_KEY = 32  # characters


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
        return cls(Path(os.environ.get("STATE_DIR") or ROOT / ".state").absolute())

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
            # The services refuse a short key, which nothing needs to stay the same.
            shortest = SHORTEST_KEY if name.endswith("secret_key") else 1
            if len(read(file)) < shortest:
                write(file, secrets.token_urlsafe(40), mode=0o600)

    def remove(self, others: Iterable[Path]) -> None:
        """Remove our files and others, and the folders if the user keeps nothing else in them."""
        for file in (self.install_log, *(self.path / name for name in FILES), *others):
            discard(file)
            discard(beside(file))
        for name in FOLDERS:
            with suppress(OSError):
                (self.path / name).rmdir()
        if self.path.exists():
            print(f"{self.path} holds other files too, and was left.")


def account() -> str:
    """Return the name of the account that this runs under, or its number if it has none."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
