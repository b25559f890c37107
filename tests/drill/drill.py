"""The drill itself: clients draw numbers while faults are caused, one after another."""

import sys
import threading
import time
from dataclasses import dataclass
from itertools import groupby
from time import monotonic

from tests.drill.clients import Client, Drawer, KeyedDrawer, Reader
from tests.drill.faults import Cause, Fault
from tests.drill.ledger import Ledger, compare
from tests.drill.load import Load
from tests.drill.report import Outcome
from tests.drill.system import NotPossible, System

HEAL_WITHIN = 60.0  # seconds, after which a fault counts as not healed


@dataclass(frozen=True)
class Pace:
    """How many clients there are, and for how many seconds they draw."""

    clients: int  # of each kind: with a key, and without one
    readers: int
    before: float  # a fault
    during: float  # a fault, once it is felt
    after: float  # everything has healed


FULL = Pace(clients=12, readers=2, before=1.5, during=6, after=1.5)
QUICK = Pace(clients=6, readers=1, before=0.3, during=1, after=0.3)


def drill(system: System, faults: list[Fault], pace: Pace) -> list[Outcome]:
    """Cause faults, and compare every answer with the rows at the end."""
    outcomes = []
    # Faults that need the same preparation follow one another.
    for prepared, some in groupby(faults, key=lambda fault: fault.prepared):
        outcomes += prepare_and_cause(system, prepared, list(some), pace)
    for outcome in outcomes:
        outcome.comparison = compare(outcome.ledger, system.rows(outcome.ledger.users))
    return outcomes


def prepare_and_cause(
    system: System, prepared: Cause, faults: list[Fault], pace: Pace
) -> list[Outcome]:
    """Cause faults after what they need has been prepared."""
    try:
        with prepared(system):
            return [cause(system, fault, pace) for fault in faults]
    except NotPossible as reason:
        return [Outcome(one.title, Ledger(one.name), impossible=str(reason)) for one in faults]


def cause(system: System, fault: Fault, pace: Pace) -> Outcome:
    """Cause a fault while clients draw numbers, and see when all of them are served again."""
    progress(fault.title)
    settled = 0 if system.replica else None
    system.ledger = ledger = Ledger(f"{fault.name}/", system.last_id(), settled)
    outcome = Outcome(fault.title, ledger)
    stopped = threading.Event()
    with Load(clients(system, pace, stopped), stopped) as load:
        if not load.wait_until_served(0, HEAL_WITHIN):
            seen = sorted({str(one.status) for _, one in ledger.draws})
            raise RuntimeError(f"The clients were not served to begin with; answers: {seen}")
        stopped.wait(pace.before)
        began = monotonic()
        with fault.caused(system):
            if fault.is_felt:
                outcome.is_felt = load.wait_for(lambda: load.last_failure(began) > 0, HEAL_WITHIN)
            stopped.wait(pace.during)
            served = not fault.lasts or load.wait_until_served(began, HEAL_WITHIN)
        ended = monotonic()
        served = load.wait_until_served(ended, HEAL_WITHIN) and served
        stopped.wait(pace.after)
    outcome.lateness = load.lateness.worst
    if served:
        during = load.last_failure(began, ended) if fault.lasts else 0.0
        outcome.healed = max(during, load.last_failure(ended))
    return outcome


def clients(system: System, pace: Pace, stopped: threading.Event) -> list[Client]:
    """Return clients of each kind, for users of their own."""
    kinds = ((Drawer, pace.clients), (KeyedDrawer, pace.clients), (Reader, pace.readers))
    return [
        kind(system.url, name, system.ledger, stopped)
        for kind, number in kinds
        for name in system.register(kind.__name__, number)
    ]


def progress(sentence: str) -> None:
    """Say what happens now, apart from the results."""
    print(f"{time.strftime('%H:%M:%S')} {sentence}", file=sys.stderr, flush=True)
