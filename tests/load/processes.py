"""Processes of a service: start, stop, and what Linux tells of their time and memory."""

import os
import re
import signal
import subprocess
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

TICK = os.sysconf("SC_CLK_TCK")
MEBIBYTE = 1024  # in the kilobytes of /proc


@dataclass
class Service:
    """A service that runs: its address, and its first process."""

    url: str
    pid: int
    seconds_to_ready: float = 0.0
    process: subprocess.Popen[bytes] | None = None  # where it is a child of this one

    def family(self) -> list[int]:
        """Return the ids of the first process and all below it."""
        return list(descendants(self.pid))

    def cpu_seconds(self) -> float:
        """Return the time that all its processes have spent."""
        return sum(sum(stat(pid)[11:13]) for pid in self.family()) / TICK

    def wait_until_idle(self) -> None:
        """Wait until it is done with what clients that hung up have left to it."""
        before = -1.0
        while before != (before := self.cpu_seconds()):
            time.sleep(0.1)

    def pss(self) -> float:
        """Return its proportional memory in MiB, as if nothing else ran on the machine.

        Linux divides a page of a file by all processes that map it, so the more services run by
        the same interpreter, the less memory each would seem to take. Here it counts once.
        """
        anonymous, files = 0, Counter[str]()
        for pid in self.family():
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            anonymous += kilobytes(rollup, "Pss_Anon:")
            for part, size in file_pages(pid):
                files[part] = max(files[part], size)
        return (anonymous + files.total()) / MEBIBYTE

    def memory(self, key: str = "VmRSS:") -> dict[int, float]:
        """Return each process's resident memory in MiB; VmHWM is the highest since the reset."""
        texts = {pid: Path(f"/proc/{pid}/status").read_text() for pid in self.family()}
        return {pid: kilobytes(text, key) / MEBIBYTE for pid, text in texts.items()}

    def reset_peak(self) -> None:
        """Let VmHWM start anew."""
        for pid in self.family():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def is_running(self) -> bool:
        """Return whether the first process is there, and more than an entry in a table."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        if self.is_running():
            os.kill(self.pid, signal.SIGTERM)
        while self.is_running():
            time.sleep(0.02)
        if self.process:
            self.process.wait()


def descendants(pid: int) -> Iterator[int]:
    """Yield a process and all that it, and those, have started."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from descendants(int(child))


def file_pages(pid: int) -> Iterator[tuple[str, int]]:
    """Yield each part of a file that a process maps, and the kilobytes of it in memory."""
    for part in re.split(r"^(?=[0-9a-f]+-)", Path(f"/proc/{pid}/smaps").read_text(), flags=re.M):
        if part:
            _, _, offset, *_, name = part.partition("\n")[0].split(maxsplit=5)
            yield f"{name} {offset}", kilobytes(part, "Rss:") - kilobytes(part, "Anonymous:")


def stat(pid: int) -> list[int]:
    """Return the numbers of /proc/PID/stat that follow the name and the state."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return [0, *map(int, fields[1:])]


def kilobytes(text: str, key: str) -> int:
    """Return a line's figure of a file in /proc."""
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(key))


def age(pid: int) -> float:
    """Return for how many seconds a process has been there."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - stat(pid)[19] / TICK


def answers(url: str) -> bool:
    """Return whether a service is ready."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/readyz", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def launch(
    command: list[str], url: str, log: IO[Any], folder: Path, environment: dict[str, str]
) -> Service:
    """Start a peer, and wait until it is ready."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,  # Ctrl-C is for the benchmark, which then stops all in order.
    )
    service = Service(url, process.pid, process=process)
    end = time.monotonic() + 30
    while not answers(url):
        if process.poll() is not None or time.monotonic() > end:
            service.stop()
            raise RuntimeError(f"{command} did not become ready:\n{Path(log.name).read_text()}")
        time.sleep(0.005)
    service.seconds_to_ready = age(process.pid)
    return service


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Put off Ctrl-C and SIGTERM, so that what has begun to start or stop is known to be done."""
    arrived: list[int] = []
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda number, _: arrived.append(number)) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
        if arrived:
            raise KeyboardInterrupt
