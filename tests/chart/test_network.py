"""The connections that the NetworkPolicies allow in a cluster that enforces them."""

from ipaddress import ip_address, ip_network

import pytest

from tests.chart.helm import EXAMPLES, example, pods, render, select, settings

# A peer is a pod of the release, a pod of another application, or an address outside the cluster.
JOBS = ["provision", "users-migrate", "numbers-migrate", "retention", "test-database"]
DATABASE_CLIENTS = ["users", "numbers", *JOBS]
COMPONENTS = [*DATABASE_CLIENTS, "postgresql", "test"]
CNPG = {"labels": {"cnpg.io/cluster": "app-postgresql"}, "namespace": "test"}


def release_pod(component):
    labels = {
        "app.kubernetes.io/name": "random",
        "app.kubernetes.io/instance": "app",
        "app.kubernetes.io/component": component,
    }
    return {"labels": labels, "namespace": "test"}


def foreign_pod(namespace):
    return {"labels": {"app.kubernetes.io/name": "other"}, "namespace": namespace}


DNS = {"labels": {"k8s-app": "kube-dns"}, "namespace": "kube-system"}


def matches(selector, labels):
    """Return whether a label selector matches labels; an empty selector matches all."""
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In"
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return True


def is_peer(peer, pod):
    """Return whether an entry of `from` or `to` selects a pod or an address."""
    if "ipBlock" in peer:
        return "address" in pod and ip_address(pod["address"]) in ip_network(
            peer["ipBlock"]["cidr"]
        )
    if "address" in pod:
        return False
    if "namespaceSelector" in peer:
        names = {"kubernetes.io/metadata.name": pod["namespace"]}
        if not matches(peer["namespaceSelector"], names):
            return False
    elif pod["namespace"] != "test":
        return False
    return matches(peer.get("podSelector", {}), pod["labels"])


def allows(objects, direction, pod, other, port):
    """Return whether a pod's policies allow traffic to, or from, a peer."""
    if pod.get("namespace") != "test":
        return True
    key, side = ("ingress", "from") if direction == "Ingress" else ("egress", "to")
    policies = [
        policy["spec"]
        for policy in select(objects, "NetworkPolicy")
        if matches(policy["spec"]["podSelector"], pod["labels"])
        and direction in policy["spec"]["policyTypes"]
    ]
    if not policies:
        return True
    return any(
        (side not in rule or any(is_peer(peer, other) for peer in rule[side]))
        and any(each["port"] == port for each in rule["ports"])
        for policy in policies
        for rule in policy.get(key, [])
    )


def can_connect(objects, sender, receiver, port):
    """Return whether the policies on both sides allow a connection."""
    return allows(objects, "Egress", sender, receiver, port) and allows(
        objects, "Ingress", receiver, sender, port
    )


@pytest.mark.parametrize("name", ["default", "ingress", "gateway"])
def test_only_the_required_connections_between_pods_are_allowed(name):
    objects = render(4, *example(name))
    allowed = {
        (sender, receiver)
        for sender in COMPONENTS
        for receiver in COMPONENTS
        for port in ("http", 5432)
        if can_connect(objects, release_pod(sender), release_pod(receiver), port)
    }
    assert allowed == {(client, "postgresql") for client in DATABASE_CLIENTS} | {
        ("test", "users"),
        ("test", "numbers"),
    }


def test_only_its_clients_can_connect_to_the_database():
    objects = render(4, *example("default"))
    database = release_pod("postgresql")
    clients = {
        component
        for component in COMPONENTS
        if allows(objects, "Ingress", database, release_pod(component), 5432)
    }
    assert clients == set(DATABASE_CLIENTS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_policy_selects_every_pod_of_the_release_in_both_directions(name):
    objects = render(4, *example(name))
    instance = {"app.kubernetes.io/instance": "app"}
    for title, pod in pods(objects).items():
        labels = {**pod["metadata"]["labels"], **instance}
        for direction in ("Ingress", "Egress"):
            assert any(
                matches(policy["spec"]["podSelector"], labels)
                and direction in policy["spec"]["policyTypes"]
                for policy in select(objects, "NetworkPolicy")
            ), f"{title}: {direction}"


def test_egress_from_the_release_is_limited_to_dns():
    objects = render(4, *example("default"))
    users = release_pod("users")
    assert can_connect(objects, users, DNS, 53)
    assert can_connect(objects, users, {"address": "169.254.20.10"}, 53)
    assert not can_connect(objects, users, {"address": "8.8.8.8"}, 53)
    assert not can_connect(objects, users, {"address": "8.8.8.8"}, 443)
    assert not can_connect(objects, users, DNS, 443)
    assert not can_connect(objects, users, foreign_pod("kube-system"), 53)
    assert not can_connect(objects, release_pod("postgresql"), DNS, 53)


def test_only_the_services_can_be_allowed_further_egress():
    rule = '{"to": [{"ipBlock": {"cidr": "10.9.0.0/24"}}], "ports": [{"port": 443}]}'
    objects = render(4, "--set-json", f"networkPolicy.egress=[{rule}]")
    for component in COMPONENTS:
        reached = can_connect(objects, release_pod(component), {"address": "10.9.0.1"}, 443)
        assert reached is (component in ("users", "numbers"))


def test_the_clusters_dns_servers_can_be_others():
    peers = (
        '[{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "openshift-dns"}},'
        ' "podSelector": {"matchLabels": {"dns.operator.openshift.io/daemonset-dns": "default"}}}]'
    )
    objects = render(4, "--set-json", f'networkPolicy.dns={{"port": 5353, "peers": {peers}}}')
    server = {
        "labels": {"dns.operator.openshift.io/daemonset-dns": "default"},
        "namespace": "openshift-dns",
    }
    for component in [*DATABASE_CLIENTS, "test"]:
        assert can_connect(objects, release_pod(component), server, 5353)
        assert not can_connect(objects, release_pod(component), DNS, 53)
        assert not can_connect(objects, release_pod(component), DNS, 5353)


@pytest.mark.parametrize(
    ("name", "gateway", "monitoring"),
    [("default", False, False), ("ingress", True, False), ("gateway", True, True)],
)
def test_gateways_and_monitoring_can_connect_only_when_enabled(name, gateway, monitoring):
    objects = render(4, *example(name))
    for component in ("users", "numbers"):
        service = release_pod(component)
        for namespace in ("envoy-gateway-system", "traefik"):
            assert can_connect(objects, foreign_pod(namespace), service, "http") is gateway
        assert can_connect(objects, foreign_pod("monitoring"), service, "http") is monitoring
        assert not can_connect(objects, foreign_pod("default"), service, "http")
    database = release_pod("postgresql")
    assert not can_connect(objects, foreign_pod("traefik"), database, 5432)


def test_additional_clients_can_connect_to_the_services():
    objects = render(
        4,
        "--set-json",
        'networkPolicy.clients=[{"ipBlock": {"cidr": "10.0.0.0/16"}},'
        ' {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "caller"}}}]',
    )
    caller = {"labels": {"app.kubernetes.io/name": "caller"}, "namespace": "test"}
    for component in ("users", "numbers"):
        assert can_connect(objects, {"address": "10.0.3.4"}, release_pod(component), "http")
        assert can_connect(objects, caller, release_pod(component), "http")
        assert not can_connect(objects, {"address": "10.1.3.4"}, release_pod(component), "http")
    assert not can_connect(objects, caller, release_pod("postgresql"), 5432)


def test_egress_to_an_external_database_is_limited_to_its_cidrs():
    objects = render(4, *example("external"))
    for component in ("users", "numbers", "users-migrate"):
        assert can_connect(objects, release_pod(component), {"address": "10.20.0.7"}, 6432)
        assert not can_connect(objects, release_pod(component), {"address": "10.21.0.7"}, 6432)
        assert not can_connect(objects, release_pod(component), {"address": "10.20.0.7"}, 22)


def test_egress_to_an_external_database_without_cidrs_is_limited_to_its_port():
    objects = render(4, *example("ha"))
    assert can_connect(objects, release_pod("users"), {"address": "10.21.0.7"}, 5432)
    assert not can_connect(objects, release_pod("users"), {"address": "10.21.0.7"}, 443)


def test_only_services_that_verify_tokens_can_connect_to_their_issuer():
    issuer, other = {"address": "203.0.113.7"}, {"address": "8.8.8.8"}
    for name in ("default", "tokens"):
        objects = render(4, *example(name))
        for component in COMPONENTS:
            reached = can_connect(objects, release_pod(component), issuer, 8443)
            assert reached is (name == "tokens" and component in ("users", "numbers"))
            assert not can_connect(objects, release_pod(component), issuer, 443)
            assert not can_connect(objects, release_pod(component), other, 8443)


def test_an_issuer_without_cidrs_may_have_any_address():
    address = settings(jwt__jwksURI="https://issuer.example.com/keys")
    objects = render(4, *example("tokens"), *address, "--set-json", "jwt.cidrs=[]")
    assert can_connect(objects, release_pod("users"), {"address": "8.8.8.8"}, 443)
    assert not can_connect(objects, release_pod("users"), {"address": "8.8.8.8"}, 8443)


def test_the_operators_database_accepts_the_release_itself_and_the_operator():
    objects = render(4, *example("cnpg"))
    assert can_connect(objects, release_pod("users"), CNPG, 5432)
    assert can_connect(objects, release_pod("provision"), CNPG, 5432)
    assert can_connect(objects, CNPG, CNPG, 5432)
    assert can_connect(objects, foreign_pod("cnpg-system"), CNPG, 8000)
    assert not can_connect(objects, release_pod("users"), CNPG, 8000)
    assert not can_connect(objects, release_pod("test"), CNPG, 5432)
    assert not can_connect(objects, foreign_pod("default"), CNPG, 5432)
