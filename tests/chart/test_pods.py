"""Every pod of every example: its privileges, resources, probes, environment and shutdown."""

import subprocess
import sys
from base64 import b64decode

import pytest

from tests.chart.helm import (
    EXAMPLES,
    ROOT,
    containers,
    example,
    pods,
    render,
    select,
    settings,
    text,
)

ALL_PODS = pytest.mark.parametrize("name", EXAMPLES)
RESTRICTED_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}


def violations(pod):
    """Yield the ways in which a pod violates the restricted Pod Security Standard."""
    spec = pod["spec"]
    context = spec.get("securityContext", {})
    if any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
        yield "shares a namespace with the node"
    if context.get("sysctls"):
        yield "sets sysctls"
    for volume in spec.get("volumes", []):
        if not set(volume) - {"name"} <= RESTRICTED_VOLUMES:
            yield f"has the volume {volume['name']}"
    for container in containers(pod):
        own = container.get("securityContext", {})
        both = {**context, **own}
        capabilities = own.get("capabilities", {})
        if own.get("privileged") or own.get("allowPrivilegeEscalation") is not False:
            yield f"{container['name']} may gain privileges"
        if capabilities.get("drop") != ["ALL"] or capabilities.get("add"):
            yield f"{container['name']} has capabilities"
        if both.get("runAsNonRoot") is not True or both.get("runAsUser") in (0, None):
            yield f"{container['name']} may run as root"
        if both.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
            yield f"{container['name']} has no seccomp profile"
        if own.get("procMount", "Default") != "Default":
            yield f"{container['name']} sees /proc unmasked"
        if any("hostPort" in port for port in container.get("ports", [])):
            yield f"{container['name']} uses a host port"


@ALL_PODS
def test_restricted_pod_security_admits_every_pod(name):
    found = {title: list(violations(pod)) for title, pod in pods(render(4, *example(name))).items()}
    assert not {title: sentences for title, sentences in found.items() if sentences}


@ALL_PODS
def test_every_pod_has_a_read_only_root_and_no_api_server_token(name):
    for title, pod in pods(render(4, *example(name))).items():
        assert pod["spec"]["automountServiceAccountToken"] is False, title
        assert pod["spec"]["enableServiceLinks"] is False, title
        for container in containers(pod):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, title


@ALL_PODS
def test_every_pod_uses_a_service_account_of_the_release(name):
    objects = render(4, *example(name))
    accounts = {found["metadata"]["name"] for found in select(objects, "ServiceAccount")}
    assert {pod["spec"]["serviceAccountName"] for pod in pods(objects).values()} == accounts


@ALL_PODS
def test_every_container_has_requests_and_a_memory_limit_but_no_cpu_limit(name):
    for title, pod in pods(render(4, *example(name))).items():
        for container in containers(pod):
            resources = container["resources"]
            assert set(resources["requests"]) == {"cpu", "memory"}, title
            assert set(resources["limits"]) == {"memory"}, title


@ALL_PODS
def test_every_volume_mount_has_a_volume(name):
    objects = render(4, *example(name))
    claims = {
        claim["metadata"]["name"]
        for found in select(objects, "StatefulSet")
        for claim in found["spec"]["volumeClaimTemplates"]
    }
    for title, pod in pods(objects).items():
        volumes = {volume["name"] for volume in pod["spec"].get("volumes", [])}
        for container in containers(pod):
            mounts = {mount["name"] for mount in container.get("volumeMounts", [])}
            assert mounts <= volumes | claims, title


@ALL_PODS
def test_selectors_match_one_component_and_services_target_existing_ports(name):
    objects = render(4, *example(name))
    templates = pods(objects)
    for kind in ("Deployment", "StatefulSet"):
        for found in select(objects, kind):
            own = templates[f"{kind} {found['metadata']['name']}"]
            assert selected(templates, found["spec"]["selector"]["matchLabels"]) == [own]
    for found in select(objects, "PodDisruptionBudget"):
        assert len(selected(templates, found["spec"]["selector"]["matchLabels"])) == 1
    for found in select(objects, "Service"):
        (pod,) = selected(templates, found["spec"]["selector"])
        ports = {port["name"] for each in containers(pod) for port in each.get("ports", [])}
        assert {port["targetPort"] for port in found["spec"]["ports"]} <= ports


def selected(templates, labels):
    """Return the pods that have all the given labels."""
    return [
        pod for pod in templates.values() if labels.items() <= pod["metadata"]["labels"].items()
    ]


@ALL_PODS
def test_routes_and_ingresses_point_to_existing_services(name):
    objects = render(4, *example(name))
    services = {found["metadata"]["name"] for found in select(objects, "Service")}
    backends = [
        backend["name"]
        for route in select(objects, "HTTPRoute")
        for rule in route["spec"]["rules"]
        for backend in rule["backendRefs"]
    ] + [
        path["backend"]["service"]["name"]
        for ingress in select(objects, "Ingress")
        for path in ingress["spec"]["rules"][0]["http"]["paths"]
    ]
    assert set(backends) <= services


@ALL_PODS
def test_only_deployments_without_an_autoscaler_set_replicas(name):
    objects = render(4, *example(name))
    autoscalers = select(objects, "HorizontalPodAutoscaler")
    scaled = {found["spec"]["scaleTargetRef"]["name"] for found in autoscalers}
    for found in select(objects, "Deployment"):
        assert ("replicas" in found["spec"]) == (found["metadata"]["name"] not in scaled)


@ALL_PODS
def test_probes_use_the_health_endpoints(name):
    for found in select(render(4, *example(name)), "Deployment"):
        (container,) = found["spec"]["template"]["spec"]["containers"]
        paths = {
            probe: container[probe]["httpGet"]["path"]
            for probe in ("startupProbe", "livenessProbe", "readinessProbe")
        }
        assert paths == {
            "startupProbe": "/livez",
            "livenessProbe": "/livez",
            "readinessProbe": "/readyz",
        }
        # With the database down, /readyz may take a connect and a statement of two seconds each.
        assert container["readinessProbe"]["timeoutSeconds"] > 4


@ALL_PODS
def test_pods_stay_ready_during_a_database_failover(name):
    for found in select(render(4, *example(name)), "Deployment"):
        (container,) = found["spec"]["template"]["spec"]["containers"]
        probe = container["readinessProbe"]
        assert probe["periodSeconds"] * probe["failureThreshold"] > 30


@ALL_PODS
def test_failed_jobs_keep_their_logs(name):
    for job in select(render(4, *example(name)), "Job"):
        assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_the_bundled_database_has_the_default_scheduling():
    objects = render(4, *example("ha"), *settings(database__mode="bundled"))
    specs = [pod["spec"] for title, pod in pods(objects).items() if not title.startswith("Pod ")]
    assert len(specs) > 3
    for spec in specs:
        assert spec["priorityClassName"] == "high"
        assert {"nodeSelector", "tolerations", "affinity"} <= spec.keys()


@pytest.fixture(scope="module")
def graceful():
    """gunicorn's graceful_timeout, read in a subprocess, since its configuration monkey-patches."""
    script = (
        "import runpy; print(runpy.run_path('common/serving/gunicorn.conf.py')['graceful_timeout'])"
    )
    command = [sys.executable, "-c", script]
    return int(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)


@ALL_PODS
def test_the_grace_period_covers_prestop_and_draining_and_rollouts_keep_every_pod(name, graceful):
    for found in select(render(4, *example(name)), "Deployment"):
        spec = found["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        _, seconds = container["lifecycle"]["preStop"]["exec"]["command"]
        assert 0 < int(seconds) < graceful < spec["terminationGracePeriodSeconds"]
        assert int(seconds) + graceful < spec["terminationGracePeriodSeconds"]
        assert found["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


@ALL_PODS
def test_only_the_locally_built_images_use_the_tag_latest(name):
    for pod in pods(render(4, *example(name))).values():
        for container in containers(pod):
            image = container["image"]
            assert not image.endswith(":latest") or image in (
                "user_service:latest",
                "random_service:latest",
            )


def test_the_default_images_are_those_of_docker_build():
    templates = pods(render(4))
    for service, image in {"users": "user_service", "numbers": "random_service"}.items():
        images = {each["image"] for each in containers(templates[f"Deployment app-{service}"])}
        assert images == {f"{image}:latest"}


def test_a_digest_takes_precedence_over_the_tag():
    digest = "sha256:" + "0" * 64
    objects = render(4, *settings(users__image__digest=digest, users__image__tag="1.2"))
    (deployment,) = select(objects, "Deployment", "app-users")
    images = {container["image"] for container in containers(deployment["spec"]["template"])}
    assert images == {f"user_service@{digest}"}


def environment(objects, name, container):
    (deployment,) = select(objects, "Deployment", name)
    (found,) = (
        each for each in containers(deployment["spec"]["template"]) if each["name"] == container
    )
    return {variable["name"]: variable.get("value") for variable in found["env"]}


@pytest.mark.parametrize(
    ("name", "host", "direct"),
    [
        ("default", "app-postgresql-client", "app-postgresql-client"),
        ("cnpg", "app-postgresql-pooler", "app-postgresql-rw"),
        ("external", "pooler.example.com", "primary.example.com"),
    ],
)
def test_requests_use_the_pooler_and_migrations_bypass_it(name, host, direct):
    objects = render(4, *example(name))
    assert environment(objects, "app-users", "users")["DB_HOST"] == host
    assert environment(objects, "app-users", "wait")["DB_HOST"] == direct
    for job in select(objects, "Job"):
        for container in containers(job["spec"]["template"]):
            assert {"name": "DB_HOST", "value": direct} in container["env"]


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("default", None),
        ("cnpg", "app-postgresql-pooler-ro"),
        ("external", "replica.example.com"),
    ],
)
def test_only_the_services_read_from_replicas(name, host):
    objects = render(4, *example(name))
    for service in ("users", "numbers"):
        variables = environment(objects, f"app-{service}", service)
        assert variables.get("DB_READ_HOST") == host
        assert "DB_READ_HOST" not in environment(objects, f"app-{service}", "wait")
    poolers = {found["metadata"]["name"]: found for found in select(objects, "Pooler")}
    if host in poolers:
        assert poolers[host]["spec"]["type"] == "ro"


def test_migrations_may_take_longer_than_a_request():
    for service in ("users", "numbers"):
        (job,) = (
            found
            for found in select(render(4), "Job")
            if found["metadata"]["name"].startswith(f"app-{service}-migrate-")
        )
        (container,) = job["spec"]["template"]["spec"]["containers"]
        # Without a lock timeout: the one for migrations would end a wait for another migration.
        assert {"name": "PGOPTIONS", "value": "-c statement_timeout=0"} in container["env"]


@ALL_PODS
def test_every_empty_directory_has_a_size(name):
    for title, pod in pods(render(4, *example(name))).items():
        for volume in pod["spec"].get("volumes", []):
            assert "sizeLimit" in volume.get("emptyDir", {"sizeLimit": None}), title


@ALL_PODS
def test_the_pods_of_a_service_spread_over_nodes_even_without_zones(name):
    for found in select(render(4, *example(name)), "Deployment"):
        spec = found["spec"]["template"]["spec"]
        # The scheduler does not score a node that lacks the key of any constraint.
        keys = [each["topologyKey"] for each in spec["topologySpreadConstraints"]]
        assert keys == ["kubernetes.io/hostname"]
        (term,) = spec["affinity"]["podAntiAffinity"][
            "preferredDuringSchedulingIgnoredDuringExecution"
        ]
        assert term["podAffinityTerm"]["topologyKey"] == "topology.kubernetes.io/zone"
        labels = found["spec"]["selector"]["matchLabels"]
        assert term["podAffinityTerm"]["labelSelector"]["matchLabels"] == labels


def test_further_constraints_spread_the_same_pods():
    options = settings(
        **{
            "users__topologySpreadConstraints[0]__topologyKey": "example.com/rack",
            "users__topologySpreadConstraints[0]__maxSkew": 2,
        }
    )
    (deployment,) = select(render(4, *options), "Deployment", "app-users")
    first, second = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert second == {**first, "topologyKey": "example.com/rack", "maxSkew": 2}


def test_services_may_have_other_ip_families():
    options = settings(service__ipFamilyPolicy="SingleStack", **{"service__ipFamilies[0]": "IPv6"})
    for found in select(render(4, *options), "Service"):
        assert found["spec"]["ipFamilyPolicy"] == "SingleStack"
        assert found["spec"]["ipFamilies"] == ["IPv6"]


def test_values_become_settings_of_the_services():
    options = settings(
        users__maxCount=100,
        users__browsableAPI="true",
        users__exposeInternalPaths="true",
        **{"users__trustedProxies[0]": "10.0.0.0/8", "users__secretKeyFallbacks[0]": "k" * 40},
    )
    objects = render(4, *options)
    names = ["MAX_COUNT", "BROWSABLE_API", "EXPOSE_INTERNAL_PATHS", "TRUSTED_PROXIES"]
    users, numbers = (environment(objects, f"app-{name}", name) for name in ("users", "numbers"))
    assert [users.get(name) for name in names] == ["100", "true", "true", "10.0.0.0/8"]
    assert [numbers.get(name) for name in names] == ["10000", "false", "false", None]
    assert users["SECRET_KEY_FALLBACKS_FILE"] == "/run/secrets/django/secret-key-fallbacks"
    assert "SECRET_KEY_FALLBACKS_FILE" not in numbers
    (secret,) = select(objects, "Secret", "app-users")
    assert b64decode(secret["data"]["secret-key-fallbacks"]).decode() == "k" * 40
    (deployment,) = select(objects, "Deployment", "app-users")
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    (django,) = (each["secret"] for each in volumes if each["name"] == "django")
    assert {"key": "secret-key-fallbacks", "path": "secret-key-fallbacks"} in django["items"]


def test_one_value_lets_both_services_verify_tokens():
    objects = render(4, *example("tokens"))
    for name in ("users", "numbers"):
        variables = environment(objects, f"app-{name}", name)
        assert variables["AUTH_ISSUER"] == "https://issuer.example.com"
        assert variables["AUTH_AUDIENCE"] == "random"
        assert variables["AUTH_JWKS_URL"].startswith("https://issuer.example.com:8443/")
        assert variables["AUTH_USER_CLAIM"] == "preferred_username"
        others = environment(render(4, *example("gateway")), f"app-{name}", name)
        assert not any(variable.startswith("AUTH_") for variable in others)


def test_only_the_pods_that_draw_have_the_secret_of_verifiable_draws():
    objects = render(4, *settings(verifiableDraws__enabled="true", retention__enabled="true"))
    path = environment(objects, "app-numbers", "numbers")["DRAW_SECRET_FILE"]
    (secret,) = select(objects, "Secret", "app-numbers-draws")
    assert len(b64decode(secret["data"]["draw-secret"])) >= 32
    found = {}
    for title, pod in pods(objects).items():
        volumes = {each["name"]: each for each in pod["spec"].get("volumes", [])}
        if "draws" in volumes:
            found[title] = volumes["draws"]["secret"]
            for container in containers(pod):
                places = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
                assert path == f"{places['draws']}/{found[title]['items'][0]['path']}"
    assert list(found) == ["Deployment app-numbers"]
    assert found["Deployment app-numbers"]["secretName"] == "app-numbers-draws"
    assert "app-numbers-draws" not in text(4, *example("default"))


def test_plain_http_is_redirected_only_when_the_gateway_terminates_tls():
    for name, answer in {"default": "false", "gateway": "true"}.items():
        variables = environment(render(4, *example(name)), "app-numbers", "numbers")
        assert variables["SECURE_SSL_REDIRECT"] == answer


def test_allowed_hosts_include_the_service_and_the_gateways_hosts():
    hosts = environment(render(4, *example("gateway")), "app-users", "users")["ALLOWED_HOSTS"]
    assert {"localhost", "127.0.0.1", "app-users", "app-users.test.svc", "api.example.com"} <= set(
        hosts.split(",")
    )
    hosts = environment(render(4, *example("ha")), "random-numbers-users", "users")
    assert ".example.com" in hosts["ALLOWED_HOSTS"].split(",")


def test_a_service_can_override_defaults_with_zero_and_false():
    options = settings(
        users__autoscaling__enabled="false", users__replicas=0, defaults__secureSSLRedirect="true"
    )
    objects = render(4, *options, *settings(users__secureSSLRedirect="false"))
    (users,) = select(objects, "Deployment", "app-users")
    assert users["spec"]["replicas"] == 0
    assert environment(objects, "app-users", "users")["SECURE_SSL_REDIRECT"] == "false"
    assert environment(objects, "app-numbers", "numbers")["SECURE_SSL_REDIRECT"] == "true"
