"""The drill itself: clients draw numbers while faults are caused, one after another."""

import sys
import time
from itertools import groupby

from tests.drill.comparison import compare
from tests.drill.complaints import Outcome
from tests.drill.fault import Cause, Fault
from tests.drill.ledger import Ledger
from tests.drill.load import Pace
from tests.drill.system import NotPossible, System

HEAL_WITHIN = 60.0  # seconds, after which a fault counts as not healed


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
    outcome = Outcome(fault.title, ledger, is_silent=fault.is_silent)
    with system.load(pace) as load:
        if not load.wait_until_served(0, HEAL_WITHIN):
            raise RuntimeError("The clients were not served although nothing was broken.")
        load.go_on(pace.before)
        began = load.now()
        with fault.caused(system):
            if fault.is_felt:
                outcome.is_felt = load.wait_until_felt(began, HEAL_WITHIN)
            load.go_on(pace.during)
            served = not fault.lasts or load.wait_until_served(began, HEAL_WITHIN)
        ended = load.now()
        served = load.wait_until_served(ended, HEAL_WITHIN) and served
        load.go_on(pace.after)
        if served:
            during = load.last_failure(began, ended) if fault.lasts else 0.0
            outcome.healed = max(during, load.last_failure(ended))
        outcome.lateness = load.lateness
    return outcome


def progress(sentence: str) -> None:
    """Say what happens now, apart from the results."""
    print(f"{time.strftime('%H:%M:%S')} {sentence}", file=sys.stderr, flush=True)
