"""The files in which the processes of a service keep their metrics, for prometheus_client.

prometheus_client's own files grow by blocks that the file system allocates at the first write to
the mapped memory: where it is full, that write ends the process. And each new process would leave
another file behind.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

SIZE = 256 * 1024  # bytes of a file at first, for about 80 combinations of method, view and status
PADDING = 64  # bytes of a value besides its key, at most

# The number of this process among those that run; 0 where nobody has given it one.
number = 0


def give_number(worker: Any, others: Iterable[Any]) -> None:
    """Give a worker that is about to be forked the least number that no other one has.

    The worker that had it before has ended, so the new one goes on with its file.
    """
    global number
    taken = {other.number for other in others}
    number = worker.number = next(one for one in range(1, len(taken) + 2) if one not in taken)


def file_number() -> int:
    """Return what tells this process's files from those of the others."""
    return number or os.getpid()


class AllocatedDict(MmapedDict):
    """prometheus_client's values in a file, whose blocks are allocated before they are written."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        with Path(filename).open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, SIZE)
        super().__init__(filename, read_mode)

    def _init_value(self, key: str) -> None:
        """Add a value; raise OSError when there is no room for it."""
        if self._used + len(key.encode()) + PADDING > self._capacity:
            os.posix_fallocate(self._f.fileno(), 0, 2 * self._capacity)
        super()._init_value(key)


def install() -> None:
    """Have prometheus_client use these files, if the processes of this service share a folder."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        values.MmapedDict = AllocatedDict  # type: ignore[attr-defined]
        values.ValueClass = values.MultiProcessValue(file_number)
