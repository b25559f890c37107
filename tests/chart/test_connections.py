"""The connection limit of each service's role, and the connection budget behind it."""

import pytest

from tests.chart.helm import CHART, example, helm, render, select, settings

EXTERNAL = {
    "database__mode": "external",
    "database__external__host": "database.example.com",
    "database__external__readHost": "replica.example.com",
    "database__external__systemCAs": "true",
    "database__existingAdminSecret": "admin",
}


def provision_job(objects):
    (job,) = [job for job in select(objects, "Job") if "-provision-" in job["metadata"]["name"]]
    return job


def limits(objects):
    """Return the connection limits that the provisioning Job sets, as (users, numbers)."""
    (container,) = provision_job(objects)["spec"]["template"]["spec"]["containers"]
    env = {variable["name"]: variable.get("value") for variable in container["env"]}
    return tuple(int(env[f"{name}_DB_CONNECTION_LIMIT"]) for name in ("USERS", "NUMBERS"))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        # Each service may need 5 pods * 2 workers * 4 connections, and 6 for its commands. One of
        # these is its owner's.
        (example("default"), (100 - 5 - 46 - 1, 100 - 5 - 46 - 1)),
        # numbers may need 14 * 3 * 4, and 16: retention takes one of its owner's two.
        (example("ha"), (300 - 5 - 184 - 1, 300 - 5 - 46 - 2)),
        # 2 poolers for the primary and 2 for the replicas, with 15 connections each, and 6.
        (example("cnpg"), (200 - 5 - 66 - 1, 200 - 5 - 66 - 1)),
        # Twice 40, since a replica that is promoted may also hold the connections of lists.
        (settings(**EXTERNAL, database__maxConnections=200), (200 - 5 - 86 - 1, 200 - 5 - 86 - 1)),
    ],
)
def test_a_role_may_use_every_connection_that_the_other_service_does_not_need(options, expected):
    objects = render(4, *options)
    assert limits(objects) == expected
    for cluster in select(objects, "Cluster"):
        roles = {role["name"]: role for role in cluster["spec"]["managed"]["roles"]}
        services = (roles["users_service"], roles["numbers_service"])
        assert tuple(role["connectionLimit"] for role in services) == expected


def test_connections_to_an_external_replica_count_twice():
    result = helm(4, "template", "app", str(CHART), *settings(**EXTERNAL))
    assert "80 for users" in result.stderr
    assert "twice in case the replica is promoted" in result.stderr


def test_a_changed_limit_renames_the_provisioning_job():
    few, many = (render(4, *settings(users__workers=workers)) for workers in (1, 2))
    assert limits(few) != limits(many)
    assert provision_job(few)["metadata"]["name"] != provision_job(many)["metadata"]["name"]
