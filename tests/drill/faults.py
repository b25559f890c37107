"""The faults, in the order in which a drill causes them."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from tests.drill import client_faults, database_faults, replica_faults, service_faults
from tests.drill.system import System

Cause = Callable[[System], AbstractContextManager[None]]


@dataclass(frozen=True)
class Fault:
    """What breaks inside the block of `caused`; its docstring is the fault's title."""

    caused: Cause
    prepared: Cause = nullcontext  # what has to be different before the clients begin
    is_felt: bool = False  # at least one request has to fail, or else nothing was broken
    lasts: bool = False  # clients have to be served while it lasts, not only after it
    is_quick: bool = False  # caused by `drill --quick` too

    @property
    def name(self) -> str:
        """Return its name on the command line."""
        return self.caused.__name__

    @property
    def title(self) -> str:
        """Return its name in the table."""
        return (self.caused.__doc__ or self.name).splitlines()[0]


FAULTS = [
    Fault(database_faults.database_killed, is_felt=True, is_quick=True),
    Fault(database_faults.database_frozen, is_felt=True, is_quick=True),
    Fault(database_faults.database_restarted, is_quick=True),
    Fault(database_faults.database_read_only, is_felt=True, is_quick=True),
    Fault(database_faults.connections_used_up, is_felt=True, is_quick=True),
    Fault(database_faults.disk_full, database_faults.on_a_small_disk, is_felt=True, is_quick=True),
    Fault(database_faults.password_changed, is_felt=True, is_quick=True),
    Fault(database_faults.grant_revoked, is_felt=True, is_quick=True),
    Fault(service_faults.workers_killed, is_felt=True, is_quick=True),
    Fault(service_faults.first_process_reloaded, lasts=True, is_quick=True),
    Fault(service_faults.first_process_killed, is_felt=True),
    Fault(service_faults.user_service_stopped, lasts=True),
    Fault(service_faults.shared_memory_full, service_faults.with_small_memory, lasts=True),
    Fault(client_faults.clients_stalling, lasts=True, is_quick=True),
    Fault(client_faults.clients_leaving, lasts=True, is_quick=True),
    Fault(replica_faults.replica_lagging, replica_faults.with_replica, lasts=True),
    Fault(replica_faults.replica_frozen, replica_faults.with_replica, lasts=True),
    Fault(replica_faults.replica_stopped, replica_faults.with_replica, lasts=True),
]
