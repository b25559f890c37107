"""The faults of a release on a cluster, in the order in which a drill causes them."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.drill.cluster import Cluster
from tests.drill.fault import Fault

AT_ONCE = ("--grace-period=0", "--force")


@contextmanager
def pod_deleted(cluster: Cluster) -> Iterator[None]:
    """A pod of the service deleted"""
    cluster.kubectl("delete", cluster.pods("numbers")[0])
    yield


@contextmanager
def pods_killed(cluster: Cluster) -> Iterator[None]:
    """All pods of the service deleted by force"""
    cluster.kubectl("delete", *cluster.pods("numbers"), *AT_ONCE)
    yield


@contextmanager
def workers_killed(cluster: Cluster) -> Iterator[None]:
    """The worker processes of each pod killed (SIGKILL)"""
    for pod in cluster.pods("numbers"):
        cluster.kill_workers(pod)
    yield


@contextmanager
def rolled_out(cluster: Cluster) -> Iterator[None]:
    """The service rolled out anew"""
    cluster.restart("numbers")
    yield


@contextmanager
def scaled(cluster: Cluster) -> Iterator[None]:
    """The service scaled to three pods, and to one"""
    cluster.scale("numbers", 3)
    cluster.scale("numbers", 1)
    try:
        yield
    finally:
        cluster.scale("numbers", 2)


@contextmanager
def user_service_away(cluster: Cluster) -> Iterator[None]:
    """The user service scaled to no pod"""
    cluster.scale("users", 0)
    try:
        yield
    finally:
        cluster.scale("users", 2)


@contextmanager
def database_deleted(cluster: Cluster) -> Iterator[None]:
    """The pod of PostgreSQL deleted"""
    cluster.kubectl("delete", *cluster.pods("postgresql"))
    yield


@contextmanager
def database_killed(cluster: Cluster) -> Iterator[None]:
    """The pod of PostgreSQL deleted by force"""
    cluster.kubectl("delete", *cluster.pods("postgresql"), *AT_ONCE)
    yield


# Kubernetes puts back what was broken, so that all of them have to heal while they last.
CLUSTER_FAULTS = [
    Fault(pod_deleted, lasts=True, is_quick=True),
    Fault(pods_killed, lasts=True, is_silent=True, is_quick=True),
    Fault(workers_killed, lasts=True),
    Fault(rolled_out, lasts=True),
    Fault(scaled, lasts=True),
    Fault(user_service_away, lasts=True),
    Fault(database_deleted, is_felt=True, lasts=True),
    Fault(database_killed, is_felt=True, lasts=True, is_quick=True),
]
