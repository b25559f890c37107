"""Secrets that already exist in the cluster, served by a stub of the API server for `lookup`."""

import base64
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from tests.chart.helm import CHART, MAJORS, helm, select, settings

SECRETS = {
    "app-users": {"secret-key": "a key that was generated before, long enough"},
    "app-users-database": {"username": "users_service", "password": "users-password"},
    "app-users-owner": {"username": "users_owner", "password": "users-owner-password"},
    "app-numbers-draws": {"draw-secret": "a secret that was generated before, long enough"},
    "app-postgresql-tls": {"ca.crt": "a CA", "tls.crt": "a certificate", "tls.key": "its key"},
    "app-postgresql-admin": {"username": "postgres", "password": "admin-password"},
    "users-django": {"secret-key": "a key that the chart did not create, long enough"},
}
# Helm 4 looks up every kind that the chart has.
KINDS = {
    "v1": ["Secret", "Service", "ServiceAccount", "Pod"],
    "apps/v1": ["Deployment", "StatefulSet"],
    "autoscaling/v2": ["HorizontalPodAutoscaler"],
    "batch/v1": ["Job", "CronJob"],
    "networking.k8s.io/v1": ["NetworkPolicy"],
    "policy/v1": ["PodDisruptionBudget"],
}


class Cluster(BaseHTTPRequestHandler):
    """Serves the Secrets above, and the API discovery that a client does first."""

    def do_GET(self):
        path = self.path.split("?")[0]
        name = path.rsplit("/", 1)[1]
        groups = [group_of(version) for version in KINDS if "/" in version]
        answers = {
            "/version": {"major": "1", "minor": "37", "gitVersion": "v1.37.1"},
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups},
            "/api/v1": resources_of("v1"),
            **{f"/apis/{version}": resources_of(version) for version in KINDS},
        }
        if path == f"/api/v1/namespaces/test/secrets/{name}" and name in SECRETS:
            answers[path] = secret_of(name)
        self.answer(answers.get(path))

    def answer(self, body):
        missing = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound"}
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body or {**missing, "code": 404}).encode())

    def log_message(self, *arguments):
        """Log nothing."""


def group_of(version):
    entry = {"groupVersion": version, "version": version.split("/")[1]}
    return {"name": version.split("/")[0], "versions": [entry], "preferredVersion": entry}


def resources_of(version):
    resources = [
        {
            "name": plural(kind),
            "singularName": "",
            "namespaced": True,
            "kind": kind,
            "verbs": ["get"],
        }
        for kind in KINDS[version]
    ]
    return {"kind": "APIResourceList", "groupVersion": version, "resources": resources}


def plural(kind):
    return re.sub("y$", "ie", kind.lower()) + "s"


def secret_of(name):
    owner = {"meta.helm.sh/release-name": "app", "meta.helm.sh/release-namespace": "test"}
    return {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {
            "name": name,
            "namespace": "test",
            "labels": {"app.kubernetes.io/managed-by": "Helm"},
            "annotations": owner,
        },
        "data": {key: encode(value) for key, value in SECRETS[name].items()},
    }


def encode(value):
    return base64.b64encode(value.encode()).decode()


@pytest.fixture(scope="module")
def cluster():
    with ThreadingHTTPServer(("127.0.0.1", 0), Cluster) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def render(major, cluster, *options):
    connection = ("--dry-run=server", "--kube-apiserver", cluster, "--namespace", "test")
    connection += ("--disable-openapi-validation",)
    result = helm(major, "template", "app", str(CHART), *connection, *options)
    assert result.returncode == 0, result.stderr
    return [found for found in yaml.safe_load_all(result.stdout) if found]


def secret(objects, name):
    (found,) = select(objects, "Secret", name)
    return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}


def checksum(objects, name):
    (found,) = select(objects, "Deployment", name)
    return found["spec"]["template"]["metadata"]["annotations"]["checksum/credentials"]


@pytest.mark.parametrize("major", MAJORS)
def test_an_upgrade_keeps_existing_secrets_and_generates_missing_ones(cluster, major):
    options = settings(verifiableDraws__enabled="true")
    first, second = render(major, cluster, *options), render(major, cluster, *options)
    for name in SECRETS.keys() - {"users-django"}:
        assert secret(first, name) == SECRETS[name]
    assert secret(first, "app-numbers") != secret(second, "app-numbers")
    assert checksum(first, "app-users") == checksum(second, "app-users")


def test_a_given_password_replaces_the_one_in_the_cluster(cluster):
    objects = render(4, cluster, *settings(users__databasePassword="another"))
    assert secret(objects, "app-users-database")["password"] == "another"


def test_pods_roll_when_an_existing_secret_changes(cluster, monkeypatch):
    options = settings(users__existingSecret="users-django")
    before = render(4, cluster, *options)
    assert not select(before, "Secret", "users-django")
    monkeypatch.setitem(SECRETS, "users-django", {"secret-key": "a new one, also long enough"})
    assert checksum(before, "app-users") != checksum(render(4, cluster, *options), "app-users")


def test_the_pods_that_make_verifiable_draws_roll_when_their_secret_changes(cluster, monkeypatch):
    secret = {"secret-key": "the numbers' key, which stays the same"}
    monkeypatch.setitem(SECRETS, "app-numbers", secret)
    options = settings(verifiableDraws__enabled="true")
    before = render(4, cluster, *options)
    monkeypatch.setitem(SECRETS, "app-numbers-draws", {"draw-secret": "another, also long enough"})
    after = render(4, cluster, *options)
    assert checksum(before, "app-numbers") != checksum(after, "app-numbers")
    assert checksum(before, "app-users") == checksum(after, "app-users")
