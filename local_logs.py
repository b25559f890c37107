"""The services' logs: a new one for each start beside that of the start before, and `logs`."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO


def last(log: Path) -> Path:
    """Return where the log of the start before is kept."""
    return log.with_name(f"{log.name}.1")


def open_new(log: Path) -> IO[bytes]:
    """Open a new log, and keep the one that is there."""
    if log.is_file() and log.stat().st_size:
        log.replace(last(log))
    # To append: a program that goes on where it was would leave a hole in a log that is emptied.
    return log.open("ab")


def follow(logs: Mapping[str, Path], go_on: Callable[[], bool]) -> None:
    """Print the logs and what is added to them, each line marked with the name of its log."""
    width = max(len(name) for name in logs)
    followed = {name: FollowedLog(log) for name, log in logs.items()}
    while go_on():
        quiet = True
        for name, log in followed.items():
            for line in log.lines():
                quiet = False
                print(f"{name:{width}} | {line}", flush=True)
        if quiet:
            time.sleep(0.1)


class FollowedLog:
    """A log that is read as it grows, and from its beginning when it is emptied or replaced."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.inode = self.position = 0

    def lines(self) -> Iterator[str]:
        """Yield the lines that have been added, once they are whole."""
        with suppress(FileNotFoundError), self.path.open("rb") as log:
            now = os.fstat(log.fileno())
            if now.st_ino != self.inode or now.st_size < self.position:
                self.inode, self.position = now.st_ino, 0
            log.seek(self.position)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self.position += len(line)
                yield line.decode(errors="replace").rstrip("\n")
