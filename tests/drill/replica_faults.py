"""Faults of a replica from which lists are read; it is a real one, with streaming replication."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from time import monotonic

from tests.drill.system import System
from tests.postgres import REPLICA_HOST, Replica


@contextmanager
def with_replica(system: System) -> Iterator[None]:
    """Let the services read lists from a replica inside the block."""
    system.replica = replica = Replica(system.state)
    try:
        replica.start()
        with system.restarted(DB_READ_HOST=REPLICA_HOST):
            yield
    finally:
        system.replica = None
        replica.remove()


@contextmanager
def replica_lagging(system: System) -> Iterator[None]:
    """A replica that lags behind"""
    with settled(system) as replica, replica.replay_paused():
        yield


@contextmanager
def replica_frozen(system: System) -> Iterator[None]:
    """A replica frozen (SIGSTOP)"""
    with settled(system) as replica, replica.frozen():
        yield


@contextmanager
def replica_stopped(system: System) -> Iterator[None]:
    """A replica stopped"""
    with settled(system) as replica:
        replica.server.stop()
        try:
            yield
        finally:
            replica.start()


@contextmanager
def settled(system: System) -> Iterator[Replica]:
    """Wait before and after the block until the replica has all that is acknowledged by then."""
    assert system.replica
    settle(system, system.replica)
    yield system.replica
    settle(system, system.replica)


def settle(system: System, replica: Replica) -> None:
    """Wait until a replica has all acknowledged numbers, which every later list must contain."""
    known = len(system.ledger.acknowledged)
    ((position,),) = system.execute("SELECT pg_current_wal_lsn()")
    end = monotonic() + 60
    while not replica.execute("SELECT pg_last_wal_replay_lsn() >= %s", position)[0][0]:
        if monotonic() > end:
            raise RuntimeError("The replica does not catch up.")
        Event().wait(0.05)
    system.ledger.settled = known
