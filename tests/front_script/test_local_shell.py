"""local_shell.py. Each test sends signals to a process of its own, which runs a few lines."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.conftest import ROOT

PREAMBLE = """
import signal, subprocess, sys
from local_shell import *
raise_on_signals()
def main():
    try:
        body()
    finally:
        print("cleaned up", flush=True)
def body():
"""
EPILOGUE = """
try:
    main()
except Interrupted as interrupted:
    die_of(interrupted.number)
"""

Process = subprocess.Popen[str]
# Commands that say when they can be interrupted. The second ends with a code of its own.
DIES = ["sh", "-c", "echo ready; exec sleep 60"]
ACTS = ["sh", "-c", "trap 'exit 7' INT; echo ready; while :; do sleep 0.1; done"]


def to_the_terminal(process: Process, number: signal.Signals) -> None:
    """Send a signal as a terminal does: to all processes in the foreground."""
    os.killpg(process.pid, number)


def to_the_script(process: Process, number: signal.Signals) -> None:
    process.send_signal(number)


def end(
    body: str,
    number: signal.Signals,
    send: Callable[[Process, signal.Signals], None],
    *prefix: str,
) -> tuple[int, str]:
    """Run lines until they print something, send a signal, and return the code and the output."""
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    with subprocess.Popen(
        [*prefix, sys.executable, "-c", PREAMBLE + indented + EPILOGUE],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        send(process, number)
        # What waits for a line goes on now that the signal has been sent.
        output, errors = process.communicate("\n", timeout=200)
        assert errors == ""
    return process.returncode, output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_command_and_the_script_after_cleanup(number: signal.Signals) -> None:
    assert end(f"run({DIES})", number, to_the_terminal) == (-number, "cleaned up\n")


def test_a_command_is_ended_with_the_script() -> None:
    assert end(f"run({DIES})", signal.SIGTERM, to_the_script) == (-signal.SIGTERM, "cleaned up\n")


def test_ctrl_c_is_for_an_interactive_command_to_act_on() -> None:
    body = f"exit_if_failed(run({ACTS}, interactive=True))"
    assert end(body, signal.SIGINT, to_the_terminal) == (7, "cleaned up\n")


def test_ctrl_c_is_not_lost_in_a_command_that_acts_on_it() -> None:
    body = f"run({ACTS})\nprint('not reached')"
    assert end(body, signal.SIGINT, to_the_terminal) == (-signal.SIGINT, "cleaned up\n")


def test_a_signal_waits_for_what_must_not_be_disturbed() -> None:
    body = (
        "with undisturbed():\n"
        "    script = 'echo ready; read line; echo finished'\n"
        "    subprocess.run(['sh', '-c', script], start_new_session=True)\n"
        "print('not reached')"
    )
    code, output = end(body, signal.SIGINT, to_the_terminal)
    assert (code, output) == (-signal.SIGINT, "finished\ncleaned up\n")


def test_a_signal_that_the_caller_ignores_stays_ignored() -> None:
    body = "exit_if_failed(run(['sh', '-c', 'echo ready; read line; exit 5']))"
    prefix = ["sh", "-c", "trap '' HUP INT; exec \"$@\"", "sh"]
    assert end(body, signal.SIGHUP, to_the_terminal, *prefix) == (5, "cleaned up\n")
    assert end(body, signal.SIGINT, to_the_terminal, *prefix) == (5, "cleaned up\n")


def test_a_second_signal_does_not_interrupt_the_cleanup() -> None:
    cleanup = "run(['sh', '-c', 'echo stopping; read line; echo stopped'])"
    body = f"try:\n    run({DIES})\nfinally:\n    {cleanup}\n"

    def twice(process: Process, number: signal.Signals) -> None:
        to_the_terminal(process, number)
        assert process.stdout
        assert process.stdout.readline() == "stopping\n"
        to_the_terminal(process, number)

    assert end(body, signal.SIGTERM, twice) == (-signal.SIGTERM, "stopped\ncleaned up\n")


def test_nothing_interrupts_the_cleanup() -> None:
    body = (
        "ignore_signals()\n"
        "exit_if_failed(run(['sh', '-c', 'echo ready; read line; echo stopped; exit 3']))"
    )
    code, output = end(body, signal.SIGINT, to_the_terminal)
    assert (code, output) == (3, "stopped\ncleaned up\n")


def test_a_command_that_was_killed_has_a_shells_code() -> None:
    body = "exit_if_failed(run(['sh', '-c', 'echo ready; read line; kill -KILL $$'], stdin=0))"
    killed = subprocess.run(
        [sys.executable, "-c", f"from local_shell import *\n{body}"],
        cwd=ROOT,
        input="\n",
        capture_output=True,
        text=True,
    )
    assert killed.returncode == 128 + signal.SIGKILL
