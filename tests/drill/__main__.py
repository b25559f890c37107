"""Shows that no number is lost and none is drawn twice, whatever breaks: `./manage_all.sh drill`.

Clients with and without an Idempotency-Key draw numbers and write down every answer, while faults
are caused. At the end, every answer is compared with the rows in PostgreSQL. It starts services and
a database of its own.
"""

import argparse
import os
import signal
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from tests.drill import drill, report
from tests.drill.faults import FAULTS
from tests.drill.report import Outcome
from tests.drill.system import System
from tests.load.subjects import ROOT, FrontScript, by_front_script

LONGEST_ANSWER = 5.0  # seconds, which the services promise


def arguments() -> argparse.Namespace:
    """Read the command line."""
    names = [fault.name for fault in FAULTS]
    parser = argparse.ArgumentParser(prog="./manage_all.sh drill", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer faults, and shorter ones")
    parser.add_argument("--only", nargs="+", choices=names, metavar="FAULT", help=", ".join(names))
    parser.add_argument("--output", type=Path, help="a Markdown file for the table")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="the project to drill")
    parser.add_argument(
        "--longest", type=float, default=LONGEST_ANSWER, help="seconds that an answer may take"
    )
    return parser.parse_args()


def main() -> None:
    """Cause the faults, print what was seen, and exit with 1 unless all is as promised."""
    options = arguments()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        outcomes = run(options)
    except KeyboardInterrupt:
        sys.exit("Stopped.")
    except RuntimeError as error:
        sys.exit(f"The drill itself failed: {error}")
    text = f"{describe(outcomes, options.longest)}\n{report.table(outcomes)}"
    print(text)
    if options.output:
        options.output.write_text(text)
    wrong = [
        f"{outcome.title}: {sentence}."
        for outcome in outcomes
        for sentence in report.complaints(outcome, options.longest)
    ]
    if wrong:
        sys.exit("\n".join(wrong))


def run(options: argparse.Namespace) -> list[Outcome]:
    """Start everything, cause the faults, and remove everything."""
    chosen = [
        fault
        for fault in FAULTS
        if fault.name in (options.only or [fault.name])
        and (options.only or fault.is_quick or not options.quick)
    ]
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="drill-"))
        front_script = FrontScript(Path(folder) / "state", options.checkout.resolve())
        drill.progress("Starting PostgreSQL and the services")
        stack.enter_context(by_front_script("drill", front_script))
        pace = drill.QUICK if options.quick else drill.FULL
        return drill.drill(System(front_script), chosen, pace)


def describe(outcomes: list[Outcome], longest: float) -> str:
    """Return what the figures mean."""
    lateness = max(outcome.lateness for outcome in outcomes)
    return f"""\
Drilled on {datetime.now(UTC):%Y-%m-%d}; the services, PostgreSQL and the clients share {os.cpu_count()} \
processors.

- acknowledged: answered by a 201 that arrived whole. The other draws were refused by a 503, or by a
  409 while a draw with the same key was at work, or had no answer.
- lost: a number that was acknowledged and is not in the table, or the rest of a batch.
- doubled: a row more than was asked for, or a second answer for one Idempotency-Key.
- no answer: the connection broke, or the client hung up.
- lists whole: each has every number that was acknowledged before it was asked for.
- slowest answer: {longest:.0f} s are allowed, and as long as the clients' own threads had to wait \
for a processor, at most {lateness:.2f} s.
- healed after: how long requests went on to fail once what was broken had been put back or, where
  clients have to be served in spite of the fault, once it had begun.
"""


if __name__ == "__main__":
    main()
