"""Run commands and handle signals the way a shell script does, for manage_all.py and its parts.

SIGINT (Ctrl-C), SIGTERM and SIGHUP raise Interrupted in the main thread, so that `except` and
`finally` clean up before the process dies of the signal.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal asked the process to end. Like KeyboardInterrupt, it is not an Exception."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def die(message: str) -> NoReturn:
    """Print why the script cannot go on, before any cleanup starts, and exit with code 1."""
    print(f"manage_all.sh: {message}", file=sys.stderr)
    sys.exit(1)


def print_tail(log: Path, lines: int = 5) -> None:
    """Print the last lines of a log to stderr."""
    last = log.read_text(errors="replace").splitlines()[-lines:]
    print("".join(f"{line}\n" for line in last), end="", file=sys.stderr)


def run(
    command: Sequence[str], interactive: bool = False, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; the other options are those of subprocess.Popen.

    Ctrl-C reaches the command too, so the script waits for it and then ends. An interactive command
    decides what Ctrl-C means: psql cancels a query, and both go on.
    """
    with postponed(*SIGNALS) as early:
        process = subprocess.Popen(command, text=True, **options)
    with process, postponed(signal.SIGINT) as arrived:
        try:
            for number in early:
                signal.raise_signal(number)  # again, now that there is a command to end
            output, _ = process.communicate()
        except Interrupted:
            process.terminate()
            raise
    if process.returncode == -signal.SIGINT or (arrived and not interactive):
        interrupt(signal.SIGINT)
    return subprocess.CompletedProcess(command, process.returncode, output)


def exit_if_failed(result: subprocess.CompletedProcess[str]) -> None:
    """Exit with the code of a command that failed and has said why."""
    code = result.returncode
    if code:
        # As shells do for a command that died of a signal, which Python counts below zero.
        sys.exit(code if code > 0 else 128 - code)


def raise_on_signals() -> None:
    """Raise Interrupted on a signal, unless the caller ignores it (nohup)."""
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, interrupt)


def interrupt(number: int, _: FrameType | None = None) -> NoReturn:
    """End the script; later signals would only interrupt its cleanup. `timeout` sends two."""
    ignore_signals()
    raise Interrupted(number)


def ignore_signals() -> None:
    """Let nothing interrupt the cleanup that ends the process, nor the commands that it runs."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def die_of(number: int) -> NoReturn:
    """End the way a process without a handler does, so that the caller sees the signal."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    sys.exit(128 + number)  # only reached if the caller has blocked the signal


@contextmanager
def postponed(*numbers: signal.Signals) -> Iterator[list[int]]:
    """Hold signals back inside the block; yield a list of those that have arrived."""
    arrived: list[int] = []
    # Handlers in place of SIG_IGN, which the commands that are started here would inherit.
    before = {
        number: signal.signal(number, lambda number, _: arrived.append(number))
        for number in numbers
        if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield arrived
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) != signal.SIG_IGN:  # as ignore_signals() leaves it
                signal.signal(number, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold all signals back inside the block, and raise Interrupted after it if one arrived.

    A process that is being started can be stopped only once its id is known.
    """
    with postponed(*SIGNALS) as arrived:
        yield
    if arrived:
        interrupt(arrived[0])
