"""Values that the chart rejects, each with a sentence that says what to change."""

import pytest

from tests.chart.helm import CHART, MAJORS, example, helm, render, select, settings

EXTERNAL = {"database__mode": "external", "database__external__host": "database.example.com"}
CNPG = {"database__mode": "cloudnative-pg"}


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"users__autoscaling__minReplicas": 4}, "minReplicas is greater than maxReplicas"),
        (
            {"users__preStopSeconds": 15},
            "preStopSeconds + gunicorn's graceful_timeout of 25 = 40 seconds",
        ),
        (
            {"numbers__connections": 6},
            "may open 117 connections to PostgreSQL, but database.maxConnections=100: 3 reserved"
            " + 2 for provisioning"
            " + 60 for numbers (5 pods in a rollout × 2 workers × 6 connections)"
            " + 6 for its init containers and migrations + 40 for users",
        ),
        ({**CNPG, "database__cnpg__pooler__poolSize": 30}, "60 by the poolers for numbers"),
        (
            {**CNPG, "database__cnpg__pooler__maxClientConnections": 79},
            "80 client connections to one PgBouncer, but"
            " database.cnpg.pooler.maxClientConnections=79",
        ),
        (
            {**CNPG, "database__cnpg__readFromReplicas": "true"},
            "but database.maxConnections=100: 3 reserved + 2 for provisioning + 60 by the poolers",
        ),
        (
            {
                **CNPG,
                "database__cnpg__readFromReplicas": "true",
                "database__cnpg__instances": 1,
            },
            "set database.cnpg.instances to 2 or more",
        ),
        ({"database__mode": "external"}, "needs database.external.host"),
        (EXTERNAL, "needs database.existingAdminSecret"),
        ({**EXTERNAL, "database__provision": "false"}, "numbers.existingDatabaseSecret"),
        (
            {
                **EXTERNAL,
                "database__existingAdminSecret": "admin",
                "database__sslmode": "verify-full",
            },
            "set database.external.caSecret, or database.external.systemCAs=true",
        ),
        ({"database__provision": "false"}, "works with database.mode=external only"),
        ({**CNPG, "database__sslmode": "verify-full"}, "set database.sslmode=verify-ca"),
        (
            {**CNPG, "database__cnpg__backup__enabled": "true"},
            "needs database.cnpg.backup.objectStore",
        ),
        ({"ingress__enabled": "true"}, "needs ingress.host"),
        ({"httpRoute__enabled": "true"}, "needs httpRoute.parentRefs"),
        ({"jwt__enabled": "true"}, "set httpRoute.enabled=true too"),
        (
            {
                "jwt__enabled": "true",
                "httpRoute__enabled": "true",
                "httpRoute__parentRefs[0]__name": "public",
                "httpRoute__hostnames[0]": "api.example.com",
            },
            "jwt.enabled needs jwt.issuer and jwt.jwksURI",
        ),
        ({"fullnameOverride": "a" * 39}, "38 characters at most"),
    ],
)
def test_contradictory_values_are_rejected_with_a_sentence(values, sentence, major):
    result = helm(major, "template", "app", str(CHART), *settings(**values))
    assert result.returncode != 0
    assert sentence in result.stderr


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("name", ["a.b", "1app"])
def test_a_release_name_that_is_no_service_name_is_rejected(name, major):
    result = helm(major, "template", name, str(CHART))
    assert result.returncode != 0
    assert "a lowercase letter followed by lowercase letters, digits and hyphens" in result.stderr


@pytest.mark.parametrize("major", MAJORS)
def test_an_ingress_that_would_bypass_jwt_is_rejected(major):
    ingress = settings(ingress__enabled="true", ingress__host="api.example.com")
    result = helm(major, "template", "app", str(CHART), *example("gateway"), *ingress)
    assert result.returncode != 0
    assert "set ingress.enabled=false" in result.stderr


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize(
    "values",
    [
        {"replicas": 2},
        {"users__replica": 2},
        {"defaults__image__name": "x"},
        {"database__bundled__size": "1Gi"},
        {"database__mode": "mysql"},
        {"database__name": "a;b"},
        {"defaults__workers": 0},
        {"defaults__connections": "four"},
        {"defaults__image__digest": "sha256:1"},
        {"defaults__logLevel": "debug"},
        {"defaults__resources__limits__gpu": 1},
        {"defaults__secretKey": "short"},
        {"jwt__jwksURI": "issuer"},
    ],
)
def test_the_schema_rejects_unknown_keys_and_bad_values(values, major):
    result = helm(major, "template", "app", str(CHART), *settings(**values))
    assert result.returncode != 0
    assert "don't meet the specifications of the schema" in result.stderr


def test_the_connection_budget_may_equal_max_connections():
    pods = 3 + 1 + 1  # maxReplicas, one that the rollout adds, one that still drains
    requests = pods * 2 * 4  # workers, connections
    commands = pods + 1  # an init container in each pod, and the migration Job
    assert 3 + 2 + 2 * (requests + commands) == 97  # reserved, provisioning, both services
    assert render(4, *settings(database__maxConnections=97))
    (server,) = select(render(4, *settings(database__maxConnections=97)), "StatefulSet")
    (container,) = server["spec"]["template"]["spec"]["containers"]
    assert "max_connections=97" in container["args"]
    result = helm(4, "template", "app", str(CHART), *settings(database__maxConnections=96))
    assert "may open 97 connections" in result.stderr
