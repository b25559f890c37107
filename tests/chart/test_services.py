"""The chart's list of services, and the edits that add one to it."""

import re
import shutil
import textwrap

import pytest
import yaml

from common.services import SERVICES
from tests.chart.helm import CHART, example, helm, render, select, settings, template
from tests.chart.write_readme import README

NAMES = [service.name for service in SERVICES]
# What the budget of three services takes.
ENOUGH = settings(database__maxConnections=150)


def test_the_chart_lists_the_services_of_the_project():
    objects = render(4, *example("cnpg"))
    deployments = [found["metadata"]["name"] for found in select(objects, "Deployment")]
    assert sorted(deployments) == sorted(f"app-{name}" for name in NAMES)
    (cluster,) = select(objects, "Cluster")
    roles = {role["name"]: role for role in cluster["spec"]["managed"]["roles"]}
    for service in SERVICES:
        readers = [f"{owner}_reader" for owner in service.reads]
        assert roles[service.role].get("inRoles", []) == readers


def test_the_notes_forward_the_ports_of_the_project():
    result = helm(4, "install", "app", str(CHART), "--dry-run=client")
    for service in SERVICES:
        assert f"port-forward service/app-{service.name} {service.port}:80" in result.stdout


def steps():
    """Return the code blocks of the README's section about adding a service."""
    _, section = README.read_text().split("## Adding a service")
    section, _ = section.split("\n## ")
    blocks = re.findall(r"^   ```\w+\n(.*?)^   ```$", section, re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for block in blocks]


def insert(file, place, block):
    text = file.read_text()
    assert text.count(place) == 1
    file.write_text(text.replace(place, block + place))


@pytest.fixture(scope="module")
def chart(tmp_path_factory):
    """A copy of the chart, with the three edits of the README."""
    copy = tmp_path_factory.mktemp("chart") / "random"
    shutil.copytree(CHART, copy)
    entry, values, schema = steps()
    end_of_list = "{{- end }}\n\n{{/* The services' names"
    insert(copy / "templates" / "_helpers.tpl", end_of_list, entry)
    insert(copy / "values.yaml", "\ndatabase:\n", f"\n{values}")
    insert(copy / "values.schema.json", '    "numbers": {\n', textwrap.indent(schema, " " * 4))
    return copy


def render_copy(chart, *options):
    return [found for found in yaml.safe_load_all(template(chart, 4, *options)) if found]


def test_an_added_service_has_every_object_of_the_others(chart):
    options = (*example("gateway"), *ENOUGH)
    objects = render_copy(chart, *options)

    def named(service):
        return {
            (found["kind"], re.sub(r"-[0-9a-f]{8}$", "", found["metadata"]["name"]))
            for found in objects
            if found["metadata"]["labels"]["app.kubernetes.io/component"].startswith(service)
            # The example brings Secrets of its own for the other services.
            and found["kind"] != "Secret"
        }

    assert {(kind, name.replace("numbers", "dice")) for kind, name in named("numbers")} == named(
        "dice"
    )
    (route,) = select(objects, "HTTPRoute", "app-dice")
    (rule,) = route["spec"]["rules"]
    assert [match["path"]["value"] for match in rule["matches"]] == ["/dice"]


def test_an_added_service_is_provisioned_and_allowed_to_reach_the_database(chart):
    objects = render_copy(chart, *example("default"), *ENOUGH)
    (job,) = [job for job in select(objects, "Job") if "-provision-" in job["metadata"]["name"]]
    (container,) = job["spec"]["template"]["spec"]["containers"]
    env = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert env["DICE_DB_PASSWORD_FILE"] == "/run/secrets/dice/password"
    assert env["DICE_OWNER_DB_PASSWORD_FILE"] == "/run/secrets/dice-owner/password"
    # 143 are needed, 46 by each service, so each may have 7 more than that, but for its owner's.
    assert env["DICE_DB_CONNECTION_LIMIT"] == env["USERS_DB_CONNECTION_LIMIT"] == "52"
    (policy,) = select(objects, "NetworkPolicy", "app-postgresql")
    (rule,) = policy["spec"]["ingress"]
    (clients,) = rule["from"][0]["podSelector"]["matchExpressions"]
    assert {"dice", "dice-migrate"} <= set(clients["values"])


def test_an_added_service_joins_the_reader_roles_that_it_names(chart):
    secrets = settings(dice__existingDatabaseSecret="dice-database")
    objects = render_copy(
        chart, *example("cnpg"), *secrets, *settings(database__maxConnections=300)
    )
    (cluster,) = select(objects, "Cluster")
    roles = {role["name"]: role for role in cluster["spec"]["managed"]["roles"]}
    assert roles["dice_service"]["inRoles"] == ["users_reader"]
    (database,) = select(objects, "Database")
    assert "dice" in [schema["name"] for schema in database["spec"]["schemas"]]


def test_an_added_service_leaves_the_pods_of_the_others_as_they_are(chart):
    before = render(4, *example("default"), *ENOUGH)
    after = render_copy(chart, *example("default"), *ENOUGH)
    for name in NAMES:
        assert select(before, "Deployment", f"app-{name}") == select(
            after, "Deployment", f"app-{name}"
        )


def test_an_added_service_counts_in_the_connection_budget(chart):
    result = helm(4, "template", "app", str(chart))
    assert "may open 143 connections" in result.stderr
