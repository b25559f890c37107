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
from pathlib import Path

from tests.drill import drill, load, report
from tests.drill.cluster import Cluster
from tests.drill.cluster_faults import CLUSTER_FAULTS
from tests.drill.complaints import Outcome, complaints
from tests.drill.fault import Fault
from tests.drill.faults import FAULTS
from tests.drill.system import System
from tests.load.subjects import ROOT, FrontScript, by_front_script

LONGEST_ANSWER = 5.0  # seconds, which the services promise


def arguments() -> argparse.Namespace:
    """Read the command line."""
    names = dict.fromkeys(fault.name for fault in [*FAULTS, *CLUSTER_FAULTS])
    parser = argparse.ArgumentParser(prog="./manage_all.sh drill", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer faults, and shorter ones")
    parser.add_argument("--only", nargs="+", choices=names, metavar="FAULT", help=", ".join(names))
    parser.add_argument("--output", type=Path, help="a Markdown file for the table")
    parser.add_argument(
        "--release",
        nargs=3,
        metavar=("CONTEXT", "NAMESPACE", "NAME"),
        help="a release of the chart to drill, which tests/cluster/drill.sh installs",
    )
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
    text = report.text(outcomes, place(options), options.longest)
    print(text)
    if options.output:
        options.output.write_text(text)
    wrong = [
        f"{outcome.title}: {sentence}."
        for outcome in outcomes
        for sentence in complaints(outcome, options.longest)
    ]
    if wrong:
        sys.exit("\n".join(wrong))


def run(options: argparse.Namespace) -> list[Outcome]:
    """Cause the faults in a release on a cluster, or in services that are started for it."""
    pace = load.QUICK if options.quick else load.FULL
    if options.release:
        return drill.drill(Cluster(*options.release), chosen(CLUSTER_FAULTS, options), pace)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="drill-"))
        front_script = FrontScript(Path(folder) / "state", options.checkout.resolve())
        drill.progress("Starting PostgreSQL and the services")
        stack.enter_context(by_front_script("drill", front_script))
        return drill.drill(System(front_script), chosen(FAULTS, options), pace)


def chosen(faults: list[Fault], options: argparse.Namespace) -> list[Fault]:
    """Return the faults that the command line asks for."""
    if options.only:
        return [fault for fault in faults if fault.name in options.only]
    return [fault for fault in faults if fault.is_quick or not options.quick]


def place(options: argparse.Namespace) -> str:
    """Return where the drill took place."""
    if options.release:
        return f"in a release of the chart on {options.release[0]}"
    return f"on {os.cpu_count()} processors, which the clients share"


if __name__ == "__main__":
    main()
