"""Values that the chart refuses, each with a sentence that says what to do."""

import pytest

from tests.chart.helm import CHART, MAJORS, example, helm, render, select, settings

EXTERNAL = {"database__mode": "external", "database__external__host": "database.example.com"}
CNPG = {"database__mode": "cloudnative-pg"}


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"users__autoscaling__minReplicas": 4}, "minReplicas is more than maxReplicas"),
        ({"users__preStopSeconds": 15}, "has to be more than preStopSeconds + gunicorn's 25 = 40"),
        (
            {"numbers__connections": 6},
            "asked for 117 connections and has database.maxConnections=100: 3 reserved"
            " + 2 for provisioning"
            " + 60 for numbers (5 pods in a rollout × 2 workers × 6 connections)"
            " + 6 for its commands + 40 for users",
        ),
        ({**CNPG, "database__cnpg__pooler__poolSize": 30}, "60 by the poolers for numbers"),
        (
            {**CNPG, "database__cnpg__pooler__maxClientConnections": 79},
            "asked for 80 clients and has database.cnpg.pooler.maxClientConnections=79",
        ),
        (
            {**CNPG, "database__cnpg__readFromReplicas": "true"},
            "has database.maxConnections=100: 3 reserved + 2 for provisioning + 60 by the poolers",
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
            "need database.external.caSecret",
        ),
        ({"database__provision": "false"}, "nobody else provisions a new database"),
        ({"database__sslmode": "require"}, "The bundled database has no certificate"),
        ({**CNPG, "database__sslmode": "verify-full"}, "use database.sslmode verify-ca"),
        ({**CNPG, "database__cnpg__backup__enabled": "true"}, "needs objectStore"),
        ({"ingress__enabled": "true"}, "needs ingress.host"),
        ({"httpRoute__enabled": "true"}, "needs parentRefs"),
        ({"jwt__enabled": "true"}, "set httpRoute.enabled too"),
        (
            {
                "jwt__enabled": "true",
                "httpRoute__enabled": "true",
                "httpRoute__parentRefs[0]__name": "public",
                "httpRoute__hostnames[0]": "api.example.com",
            },
            "jwt needs issuer and jwksURI",
        ),
        ({"fullnameOverride": "a" * 41}, "40 characters at most"),
    ],
)
def test_contradictions_are_refused_with_a_sentence(values, sentence, major):
    result = helm(major, "template", "app", str(CHART), *settings(**values))
    assert result.returncode != 0
    assert sentence in result.stderr


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("name", ["a.b", "1app"])
def test_a_release_whose_services_could_not_have_its_name_is_refused(name, major):
    result = helm(major, "template", name, str(CHART))
    assert result.returncode != 0
    assert "a letter, then letters, digits and hyphens" in result.stderr


@pytest.mark.parametrize("major", MAJORS)
def test_no_ingress_leads_past_the_tokens_that_routes_ask_for(major):
    way_past = settings(ingress__enabled="true", ingress__host="api.example.com")
    result = helm(major, "template", "app", str(CHART), *example("gateway"), *way_past)
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
def test_unknown_keys_and_bad_values_are_refused_by_the_schema(values, major):
    result = helm(major, "template", "app", str(CHART), *settings(**values))
    assert result.returncode != 0
    assert "don't meet the specifications of the schema" in result.stderr


def test_connections_up_to_the_limit_are_accepted():
    # 40 for each service's connections, 6 for each one's commands, 3 reserved, 2 for provisioning.
    assert render(4, *settings(database__maxConnections=97))
    (server,) = select(render(4, *settings(database__maxConnections=97)), "StatefulSet")
    (container,) = server["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["-c", "max_connections=97"]
    result = helm(4, "template", "app", str(CHART), *settings(database__maxConnections=96))
    assert "asked for 97 connections" in result.stderr
