"""Values that the chart rejects, each with a sentence that says what to change."""

import re
import shutil

import pytest

from tests.chart.helm import CHART, MAJORS, example, helm, render, select, settings

EXTERNAL = {"database__mode": "external", "database__external__host": "database.example.com"}
CNPG = {"database__mode": "cloudnative-pg"}
TOKENS = {
    "authentication": "tokens",
    "jwt__issuer": "https://issuer.example.com",
    "jwt__audiences[0]": "random",
    "jwt__jwksURI": "https://issuer.example.com/keys",
}


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
        ({"ingress__enabled": "true", "ingress__host": "api.example.com"}, "authentication=none"),
        (
            {
                "httpRoute__enabled": "true",
                "httpRoute__parentRefs[0]__name": "public",
                "httpRoute__hostnames[0]": "api.example.com",
            },
            "Set jwt.enabled=true; or authentication=tokens",
        ),
        ({"authentication": "tokens"}, "needs jwt.issuer, jwt.jwksURI with https://"),
        ({**TOKENS, "jwt__jwksURI": "http://issuer.example.com/keys"}, "with https://"),
        ({**TOKENS, "jwt__audiences[1]": "other"}, "exactly one entry in jwt.audiences"),
        (
            {
                **EXTERNAL,
                "database__external__systemCAs": "true",
                "database__existingAdminSecret": "admin",
                "prometheusRule__enabled": "true",
            },
            "set prometheusRule.enabled=false",
        ),
        ({"jwt__userClaim": "name"}, "set authentication=tokens, or leave them out"),
        ({**TOKENS, "jwt__enabled": "true"}, "set httpRoute.enabled=true too"),
        (
            {"verifiableDraws__secret": "s" * 40, "verifiableDraws__existingSecret": "draws"},
            "leave one of them out",
        ),
        ({"authentication": "jwt"}, "authentication=jwt needs jwt.enabled=true"),
        (
            {"users__extraEnv[0]__name": "DEBUG", "users__extraEnv[0]__value": "true"},
            "users.extraEnv sets DEBUG",
        ),
        (
            {"users__existingSecret": "users", "users__secretKeyFallbacks[0]": "k" * 40},
            "set SECRET_KEY_FALLBACKS in users.extraEnv",
        ),
        (
            {
                **EXTERNAL,
                "database__external__systemCAs": "true",
                "database__external__caSecret": "ca",
                "database__existingAdminSecret": "admin",
            },
            "exclude each other",
        ),
        (
            {
                **EXTERNAL,
                "database__provision": "false",
                "users__databasePassword": "users",
                "numbers__databasePassword": "numbers",
            },
            "numbers.existingOwnerSecret",
        ),
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
def test_jwt_without_an_audience_is_rejected(major):
    result = helm(
        major, "template", "app", str(CHART), *example("gateway"), "--set", "jwt.audiences="
    )
    assert result.returncode != 0
    assert "audiences" in result.stderr


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
        {"jwt__jwksURI": "https://issuer:port/keys"},
        {"jwt__cidrs[0]": "issuer.example.com"},
        {"verifiableDraws__secret": "short"},
        {"authentication": "somebody"},
        {"retention__days": 0},
        {"retention__schedule": "daily"},
        {"defaults__maxCount": 10001},
        {"defaults__allowedHosts[0]": "http://api.example.com:8081"},
        {"defaults__allowedHosts[0]": "*"},
        {"defaults__allowedHosts[0]": "my_host"},
        {"defaults__csrfTrustedOrigins[0]": "https://api.example.com/admin"},
        {"defaults__trustedProxies[0]": "10.0.0.1"},
        {"defaults__resources__requests__memory": "-1Gi"},
        {"database__external__host": "https://database.example.com"},
        {"ingress__host": "https://api.example.com"},
        {"networkPolicy__dns__port": 0},
        {"service__ipFamilyPolicy": "Dual"},
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


def test_a_name_of_full_length_fits_into_the_labels_that_kubernetes_derives_from_it():
    name = "a" * 38
    for options in (example("default"), example("cnpg")):
        enabled = settings(fullnameOverride=name, retention__enabled="true")
        objects = render(4, *options, *enabled, *settings(database__maxConnections=300))
        for found in objects:
            # A Job's name, and that of a StatefulSet's revision, are the value of a label.
            suffix = {"StatefulSet": "-0123456789", "CronJob": "-01234567890"}.get(
                found["kind"], ""
            )
            assert len(found["metadata"]["name"] + suffix) <= 63


def test_the_bound_of_the_name_follows_from_the_longest_service(tmp_path):
    copy = tmp_path / "random"
    shutil.copytree(CHART, copy)
    for file in ("templates/_helpers.tpl", "values.yaml", "values.schema.json"):
        text = (copy / file).read_text()
        text = re.sub(
            r"^(- name: |\"?    \"|)numbers\b", r"\1long-numbers", text, flags=re.MULTILINE
        )
        (copy / file).write_text(text)
    result = helm(4, "template", "a" * 34, str(copy))
    assert "33 characters at most" in result.stderr


def test_debug_in_a_services_own_variables_is_the_only_one_that_is_refused():
    options = settings(**{"users__extraEnv[0]__name": "DEBUGGER", "users__extraEnv[0]__value": 1})
    assert render(4, *options)
