"""Linting, rendering and validation of the chart, its Secrets, Jobs, notes and routes."""

import base64
import re

import kubernetes_validate
import pytest
import yaml

from tests.chart.helm import (
    CHART,
    EXAMPLES,
    MAJORS,
    example,
    helm,
    pods,
    render,
    select,
    settings,
    text,
)

OLDEST, NEWEST = "1.27", "1.37"
# Custom resources, which the validator does not know.
CUSTOM_KINDS = {
    "Cluster": "postgresql.cnpg.io/v1",
    "Database": "postgresql.cnpg.io/v1",
    "Pooler": "postgresql.cnpg.io/v1",
    "ScheduledBackup": "postgresql.cnpg.io/v1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
    "SecurityPolicy": "gateway.envoyproxy.io/v1alpha1",
    "ServiceMonitor": "monitoring.coreos.com/v1",
    "PrometheusRule": "monitoring.coreos.com/v1",
}


def decode(value):
    return base64.b64decode(value).decode()


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_passes_the_strict_lint(name, major):
    result = helm(major, "lint", "--strict", str(CHART), *example(name))
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("name", EXAMPLES)
def test_helm_3_and_helm_4_render_the_same_objects(name):
    assert render(3, *example(name)) == render(4, *example(name))


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_rendering_twice_gives_the_same_bytes(name, major):
    first = text(major, *example(name))
    text.cache_clear()
    assert text(major, *example(name)) == first


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_oldest_and_the_newest_kubernetes_accept_every_object(name, version):
    for found in render(4, *example(name)):
        if found["kind"] in CUSTOM_KINDS:
            assert found["apiVersion"] == CUSTOM_KINDS[found["kind"]]
        else:
            kubernetes_validate.validate(found, version, strict=True)


def test_kube_version_is_the_oldest_tested_version():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["kubeVersion"] == f">={OLDEST}.0-0"
    assert "dependencies" not in chart


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_two_objects_share_a_name(name):
    names = [(found["kind"], found["metadata"]["name"]) for found in render(4, *example(name))]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_object_has_its_namespace_and_labels(name):
    for found in render(4, *example(name)):
        assert found["metadata"]["namespace"] == "test"
        labels = found["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == "random"
        assert labels["app.kubernetes.io/instance"] == "app"


@pytest.mark.parametrize("major", MAJORS)
def test_missing_secrets_are_generated_and_kept(major):
    secrets = select(render(major), "Secret")
    assert len(secrets) == 8
    passwords = [
        decode(value)
        for secret in secrets
        for key, value in secret["data"].items()
        if key in ("secret-key", "password")
    ]
    assert [len(value) for value in passwords] == [40] * 7
    assert len(set(passwords)) == 7
    for secret in secrets:
        assert secret["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def annotations(*options):
    """Return the checksums of all pod templates."""
    found = pods(render(4, *options)).items()
    return {
        re.sub("-[0-9a-f]{8}$", "", title): pod["metadata"].get("annotations", {}).get(CHECKSUM)
        for title, pod in found
    }


CHECKSUM = "checksum/credentials"
GUESSED = settings(
    users__databasePassword="1234", users__ownerPassword="1234", database__adminPassword="1234"
)


@pytest.mark.parametrize("other", ["secretKey", "databasePassword", "ownerPassword"])
def test_changed_credentials_change_the_checksums_of_the_pods_that_read_them(other):
    before = annotations(*example("default"))
    after = annotations(*example("default"), *settings(**{f"users__{other}": "changed" * 6}))
    changed = {title for title in before if before[title] != after[title]}
    job, users = "Job app-provision", "Deployment app-users"
    expected = {"secretKey": {job, users}, "databasePassword": {job, users}, "ownerPassword": {job}}
    assert changed == expected[other]


def test_no_checksum_can_be_computed_from_the_passwords_alone():
    # Whoever reads the annotations may try passwords, but does not know the generated secret keys.
    first, second = annotations(*GUESSED), annotations(*GUESSED, "--set", "fullnameOverride=app")
    named = {title for title, checksum in first.items() if checksum}
    assert named == {
        "Job app-provision",
        *("Deployment app-users", "Deployment app-numbers", "StatefulSet app-postgresql"),
    }
    for title in named:
        assert first[title] != second[title]


def test_existing_secrets_are_used_and_none_is_created():
    objects = render(4, *example("gateway"))
    assert select(objects, "Secret") == []
    (deployment,) = select(objects, "Deployment", "app-users")
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    assert [volume["secret"]["secretName"] for volume in volumes if "secret" in volume] == [
        "users-django",
        "users-database",
        "database-tls",
    ]


def job_names(*options):
    jobs = select(render(4, *example("default"), *options), "Job")
    return {job["metadata"]["name"].rsplit("-", 1)[0]: job["metadata"]["name"] for job in jobs}


def test_a_changed_spec_renames_its_job():
    before, after = job_names(), job_names(*settings(users__image__tag="2.0.0"))
    assert before["app-users-migrate"] != after["app-users-migrate"]
    assert before["app-numbers-migrate"] == after["app-numbers-migrate"]
    assert before["app-provision"] != after["app-provision"]


def test_a_changed_password_reruns_provisioning_and_rolls_only_its_service():
    options = settings(users__databasePassword="other")
    assert job_names()["app-provision"] != job_names(*options)["app-provision"]
    annotations = [
        {
            deployment["metadata"]["name"]: deployment["spec"]["template"]["metadata"]
            for deployment in select(render(4, *example("default"), *more), "Deployment")
        }
        for more in ((), options)
    ]
    assert annotations[0]["app-users"] != annotations[1]["app-users"]
    assert annotations[0]["app-numbers"] == annotations[1]["app-numbers"]


def test_the_notes_print_the_next_commands():
    result = helm(4, "install", "app", str(CHART), "--namespace", "test", "--dry-run=client")
    for words in (
        "port-forward service/app-users 8081:80",
        "port-forward service/app-numbers 8080:80",
        "curl --request GET  --url http://localhost:8081/users",
        "curl --request POST --url http://localhost:8080/generate-random-number",
        "helm test app --namespace test",
    ):
        assert words in result.stdout
    _, notes = result.stdout.split("NOTES:")
    assert "X-Forwarded-Proto" not in notes


def test_the_notes_mention_the_header_when_plain_http_is_redirected():
    options = settings(numbers__secureSSLRedirect="true")
    result = helm(4, "install", "app", str(CHART), "--dry-run=client", *options)
    _, notes = result.stdout.split("NOTES:")
    assert "--header 'X-Forwarded-Proto: https'" in notes


def test_routes_have_no_timeout_for_streamed_lists():
    for route in select(render(4, *example("gateway")), "HTTPRoute"):
        assert [rule["timeouts"]["request"] for rule in route["spec"]["rules"]] == ["0s"]


def test_the_gateway_routes_only_the_api():
    paths = {
        route["metadata"]["name"]: [
            match["path"]["value"] for rule in route["spec"]["rules"] for match in rule["matches"]
        ]
        for route in select(render(4, *example("gateway")), "HTTPRoute")
    }
    assert paths == {
        "app-users": ["/users"],
        "app-numbers": ["/generate-random-number", "/get-saved-numbers"],
    }


@pytest.mark.parametrize(
    ("name", "more"), [("ingress", []), ("tokens", ["/commitments", "/verify.py"])]
)
def test_the_ingress_routes_only_the_api(name, more):
    paths = [
        path["path"]
        for ingress in select(render(4, *example(name)), "Ingress")
        for path in ingress["spec"]["rules"][0]["http"]["paths"]
    ]
    assert sorted(paths) == sorted(
        ["/generate-random-number", "/get-saved-numbers", "/users", *more]
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (example("gateway"), "scopes are not looked at"),
        (example("ingress"), "authentication=gateway: the services believe"),
        (
            settings(
                ingress__enabled="true", ingress__host="api.example.com", authentication="none"
            ),
            "everybody who reaches the Ingress may make every call",
        ),
        (example("ha"), "WARNING: database.external.cidrs is empty"),
        (example("tokens"), "Each call needs a token of https://issuer.example.com: --header"),
        (
            (*example("tokens"), "--set-json", "jwt.cidrs=[]"),
            "WARNING: jwt.cidrs is empty",
        ),
        ((), "Nothing deletes old numbers"),
    ],
)
def test_the_notes_say_what_is_open(options, sentence):
    result = helm(4, "install", "app", str(CHART), "--dry-run=client", *options)
    _, notes = result.stdout.split("NOTES:")
    assert sentence in notes


def test_the_notes_of_a_closed_release_do_not_warn():
    result = helm(4, "install", "app", str(CHART), "--dry-run=client", *example("external"))
    _, notes = result.stdout.split("NOTES:")
    assert "WARNING" not in notes
    assert "authentication=" not in notes
