"""How fast the services are beside others: `./manage_all.sh bench [--quick]`.

All run on this machine, at the same time, against one PostgreSQL with full durability, and take
turns. The tables go to the terminal and to a Markdown file, and a picture beside it.
"""

import argparse
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from http.client import HTTPException
from importlib.metadata import version
from pathlib import Path

from tests.load import chart, ladder
from tests.load.database import Wrong
from tests.load.rounds import RATE, Bench
from tests.load.stages import STAGES
from tests.load.subjects import PEERS, start

RESULTS = Path(__file__).with_name("results.md")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="./manage_all.sh bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--rounds", type=int, help="how often each subject has its turn")
    parser.add_argument("--seconds", type=int, help="how long a turn takes")
    parser.add_argument("--output", type=Path, default=RESULTS, help="the Markdown file")
    parser.add_argument("--old", type=Path, metavar="FOLDER", help="a checkout to compare with")
    parser.add_argument("--only", nargs="+", choices=[stage.__name__ for stage in STAGES])
    return parser.parse_args()


def main() -> None:
    """Measure, and write down what was seen."""
    options = arguments()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    folder = os.environ.get("STATE_DIR")
    try:
        with ExitStack() as stack:
            temporary = tempfile.TemporaryDirectory(prefix="bench-", dir=folder)
            bench = begin(stack, Path(stack.enter_context(temporary)), options)
            for stage in STAGES:
                if stage.__name__ in (options.only or stage.__name__):
                    run(stage, bench)
            tables = [ladder.table(bench.report), bench.report.markdown()]
            text = "\n".join(filter(None, [describe(bench), *tables]))
    except KeyboardInterrupt:
        sys.exit("Stopped; nothing was written.")
    except (Wrong, RuntimeError, HTTPException) as error:
        sys.exit(f"The benchmark failed: {error}")
    print(text)
    options.output.write_text(f"{text}\n![Requests per second]({options.output.stem}.svg)\n")
    options.output.with_suffix(".svg").write_text(chart.draw(bench.report.tables.get(RATE, {})))
    print(f"Written to {options.output} and {options.output.stem}.svg", file=sys.stderr)


def begin(stack: ExitStack, folder: Path, options: argparse.Namespace) -> Bench:
    """Start everything; the stack ends it."""
    progress("starting PostgreSQL, the services and their peers")
    database, subjects = start(stack, folder / "state", options.old)
    return Bench(
        database,
        subjects,
        rounds=options.rounds or (1 if options.quick else 3),
        seconds=options.seconds or (1 if options.quick else 3),
        sizes=[0, 1_000_000] if options.quick else [0, 1_000_000, 10_000_000],
        folder=folder,
    )


def run(stage: Callable[[Bench], None], bench: Bench) -> None:
    """Measure one stage."""
    progress(f"{stage.__name__}: {stage.__doc__}")
    stage(bench)


def progress(sentence: str) -> None:
    """Say what happens now, apart from the results."""
    print(f"{time.strftime('%H:%M:%S')} {sentence}", file=sys.stderr, flush=True)


def describe(bench: Bench) -> str:
    """Return what the figures come from."""
    settings = ", ".join(f"{name} {value}" for name, value in bench.database.settings().items())
    ours = versions("Django", "djangorestframework", "psycopg2-binary", "gunicorn", "gevent")
    lines = [
        f"{os.cpu_count()} × {processor()}, {memory()} GiB, Linux {platform.release()};"
        " the load comes from the same machine",
        f"PostgreSQL {bench.database.version()}: {settings}",
        f"ours and textbook DRF: {ours}, Python {platform.python_version()};"
        " two worker processes for each service",
        *(f"{one.name}: {one.revision}" for one in bench.subjects if one.revision),
        "plain: ours without common/fast and common/serving, by the steps in common/serving, with"
        " four threads for each worker, and without an access log",
        "+ serving: ours with REST framework's mixins. While one writes a long list, its process"
        " does nothing else; lists that miss their deadline for that are a 503, and not counted",
        f"FastAPI + asyncpg: {peer_versions('fastapi', 'uvicorn', 'asyncpg')};"
        " two workers likewise, without the access log that ours has",
        "pgbench: 16 clients that send the services' INSERT, prepared, one row each",
        f"medians (least–most); rounds: {bench.rounds} of {bench.seconds} s, in turns;"
        " a ratio is the median of the rounds' ratios",
        "PSS: as if nothing else ran, so that files which services share count whole for each",
        "every acknowledged row was looked for in its table, and the lists were compared",
    ]
    return f"Measured on {datetime.now(UTC):%Y-%m-%d}:\n\n" + "".join(f"- {x}\n" for x in lines)


def processor() -> str:
    """Return the processor's name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def memory() -> int:
    """Return the machine's memory in GiB."""
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def versions(*packages: str) -> str:
    """Return packages of ours with their versions."""
    return ", ".join(f"{package} {version(package)}" for package in packages)


def peer_versions(*packages: str) -> str:
    """Return packages of the peers with the versions that are locked."""
    lock = dict(
        line.split()[0].split("==")
        for line in (PEERS / "requirements.txt").read_text().splitlines()
        if "==" in line and not line.startswith((" ", "#"))
    )
    return ", ".join(f"{package} {lock[package]}" for package in packages)


if __name__ == "__main__":
    main()
