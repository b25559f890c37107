"""How many connections to PostgreSQL each service may have."""

import pytest

from tests.chart.helm import CHART, example, helm, render, select, settings

EXTERNAL = {
    "database__mode": "external",
    "database__external__host": "database.example.com",
    "database__external__readHost": "replica.example.com",
    "database__existingAdminSecret": "admin",
}


def provision_job(objects):
    (job,) = [job for job in select(objects, "Job") if "-provision-" in job["metadata"]["name"]]
    return job


def limits(objects):
    """Return what the provisioning Job sets, as (users, numbers)."""
    (container,) = provision_job(objects)["spec"]["template"]["spec"]["containers"]
    env = {variable["name"]: variable.get("value") for variable in container["env"]}
    return tuple(int(env[f"{name}_DB_CONNECTION_LIMIT"]) for name in ("USERS", "NUMBERS"))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        # Each service may need 5 pods times 2 workers times 4 connections, and 6 for its commands.
        (example("default"), (100 - 5 - 46, 100 - 5 - 46)),
        # The numbers may need 14 times 3 times 4 and 15.
        (example("ha"), (300 - 5 - 183, 300 - 5 - 46)),
        # Two poolers and two for the replicas, with 15 each, and 6 for the commands.
        (example("cnpg"), (200 - 5 - 66, 200 - 5 - 66)),
        # A replica that is promoted may have all of them a second time.
        (settings(**EXTERNAL, database__maxConnections=200), (200 - 5 - 86, 200 - 5 - 86)),
    ],
)
def test_a_service_may_have_what_the_other_does_not_need(options, expected):
    objects = render(4, *options)
    assert limits(objects) == expected
    for cluster in select(objects, "Cluster"):
        roles = {role["name"]: role for role in cluster["spec"]["managed"]["roles"]}
        services = (roles["users_service"], roles["numbers_service"])
        assert tuple(role["connectionLimit"] for role in services) == expected


def test_connections_to_a_replica_count_where_it_may_be_promoted():
    result = helm(4, "template", "app", str(CHART), *settings(**EXTERNAL))
    assert "80 for users" in result.stderr
    assert "twice where the replica is promoted" in result.stderr


def test_other_limits_are_set_by_another_job():
    few, many = (render(4, *settings(users__workers=workers)) for workers in (1, 2))
    assert limits(few) != limits(many)
    assert provision_job(few)["metadata"]["name"] != provision_job(many)["metadata"]["name"]
