"""The faults of services on this machine, in the order in which a drill causes them."""

from tests.drill import client_faults, database_faults, disk_faults, replica_faults, service_faults
from tests.drill.fault import Fault

FAULTS = [
    Fault(database_faults.database_killed, is_felt=True, is_quick=True),
    Fault(database_faults.database_frozen, is_felt=True, is_quick=True),
    Fault(database_faults.database_restarted, lasts=True, is_quick=True),
    Fault(database_faults.database_read_only, is_felt=True, is_quick=True),
    Fault(database_faults.connections_used_up, is_felt=True, is_quick=True),
    Fault(disk_faults.disk_full, disk_faults.on_a_small_disk, is_felt=True, is_quick=True),
    Fault(database_faults.password_changed, is_felt=True, is_quick=True),
    Fault(database_faults.grant_revoked, is_felt=True, is_quick=True),
    Fault(service_faults.workers_killed, is_felt=True, is_quick=True),
    Fault(service_faults.first_process_reloaded, lasts=True, is_quick=True),
    Fault(service_faults.first_process_killed, is_felt=True),
    Fault(service_faults.user_service_stopped, lasts=True),
    Fault(disk_faults.shared_memory_full, disk_faults.with_small_memory, lasts=True),
    Fault(client_faults.clients_stalling, lasts=True, is_quick=True),
    Fault(client_faults.clients_leaving, lasts=True, is_quick=True),
    Fault(replica_faults.replica_lagging, replica_faults.with_replica, lasts=True),
    Fault(replica_faults.replica_frozen, replica_faults.with_replica, lasts=True),
    Fault(replica_faults.replica_stopped, replica_faults.with_replica, lasts=True),
]
