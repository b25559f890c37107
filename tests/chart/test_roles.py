"""Which pods log in as the owner of the tables, and which as the service itself."""

import re

import pytest

from common.services import SERVICES
from tests.chart.helm import EXAMPLES, containers, example, pods, render, select, settings

NAMES = [service.name for service in SERVICES]
ALL = pytest.mark.parametrize("name", EXAMPLES)


def secrets(pod):
    """Return the Secret of each volume by the volume's name."""
    volumes = pod["spec"].get("volumes", [])
    return {each["name"]: each["secret"]["secretName"] for each in volumes if "secret" in each}


def users(pod):
    """Return the roles that a pod's containers log in as."""
    return {
        variable["value"]
        for container in containers(pod)
        for variable in container.get("env", [])
        if variable["name"] == "DB_USER"
    }


def titled(objects, pattern):
    """Return the only pod whose title matches a pattern."""
    (found,) = (pod for title, pod in pods(objects).items() if re.search(pattern, title))
    return found


@ALL
def test_migrations_run_as_the_owner_and_servers_never_see_its_password(name):
    objects = render(4, *example(name))
    for service in NAMES:
        owner = [key for key in all_secrets(objects) if key.endswith(f"{service}-owner")]
        migration = titled(objects, f"^Job .*-{service}-migrate-")
        assert users(migration) == {f"{service}_owner"}
        assert [secrets(migration)["database"]] == owner
        server = titled(objects, f"^Deployment .*-{service}$")
        assert users(server) == {f"{service}_service"}
        assert "owner" not in secrets(server)["database"]


def all_secrets(objects):
    return {name for pod in pods(objects).values() for name in secrets(pod).values()}


@ALL
def test_only_provisioning_migrations_and_retention_mount_an_owners_secret(name):
    for title, pod in pods(render(4, *example(name))).items():
        mounted = any("owner" in secret for secret in secrets(pod).values())
        assert mounted == any(word in title for word in ("-provision-", "-migrate-", "retention"))


def test_provisioning_gets_the_passwords_of_owners_and_services():
    pod = titled(render(4, *example("default")), "^Job .*-provision-")
    env = {each["name"]: each.get("value") for each in containers(pod)[0]["env"]}
    mounts = {each["mountPath"]: each["name"] for each in containers(pod)[0]["volumeMounts"]}
    for service in SERVICES:
        for suffix, folder, secret in (
            ("DB_PASSWORD_FILE", service.name, f"app-{service.name}-database"),
            ("OWNER_DB_PASSWORD_FILE", f"{service.name}-owner", f"app-{service.name}-owner"),
        ):
            assert env[f"{service.prefix}_{suffix}"] == f"/run/secrets/{folder}/password"
            assert secrets(pod)[mounts[f"/run/secrets/{folder}"]] == secret


def test_a_changed_password_of_an_owner_reruns_provisioning_only():
    before = pods(render(4, *example("default")))
    after = pods(render(4, *example("default"), *settings(users__ownerPassword="other")))
    (removed,) = before.keys() - after.keys()
    assert "-provision-" in removed
    assert {title: after.get(title) for title in before if title != removed} == {
        title: pod for title, pod in before.items() if title != removed
    }


def test_the_operator_makes_both_roles_and_the_owner_owns_the_schema():
    objects = render(4, *example("cnpg"))
    (cluster,) = select(objects, "Cluster")
    roles = {role["name"]: role for role in cluster["spec"]["managed"]["roles"]}
    (database,) = select(objects, "Database")
    owners = {schema["name"]: schema["owner"] for schema in database["spec"]["schemas"]}
    for service in NAMES:
        assert roles[f"{service}_owner"]["passwordSecret"] == {"name": f"{service}-owner"}
        assert "connectionLimit" not in roles[f"{service}_owner"]
        assert owners[service] == f"{service}_owner"


@ALL
def test_the_rights_of_every_services_role_are_tested(name):
    objects = render(4, *example(name))
    pod = titled(objects, "^Pod .*-test-database$")
    assert users(pod) == {f"{service}_service" for service in NAMES}
    for container in containers(pod):
        script = container["command"][-1]
        assert "python -m common.owners" in script
        assert "try --check" in script
        assert "try --refused" in script


def test_retention_deletes_old_numbers_as_their_owner():
    assert not select(render(4, *example("default")), "CronJob")
    (cron,) = select(render(4, *example("ha")), "CronJob")
    assert cron["spec"]["schedule"] == "30 3 * * *"
    pod = cron["spec"]["jobTemplate"]["spec"]["template"]
    (container,) = containers(pod)
    assert container["command"][1:] == [
        *("numbers_project/manage.py", "prune_numbers", "--older-than", "90"),
    ]
    assert users(pod) == {"numbers_owner"}
    assert secrets(pod)["database"] == "random-numbers-numbers-owner"
