"""The bundled database: its administrator's password, its certificate and its Services."""

import base64
import os
import ssl
from pathlib import Path

import psycopg2
import pytest

from local_postgres import LocalPostgres
from tests.chart.helm import CHART, MAJORS, containers, example, pods, render, select, settings


@pytest.fixture
def server(tmp_path_factory):
    """A server with a data directory, whose administrator has the password `old`."""
    state = tmp_path_factory.mktemp("state")
    (state / "secrets").mkdir()
    (state / "secrets" / "postgres").write_text("old")
    server = LocalPostgres(state)
    server.start()
    server.stop()
    yield server
    server.purge()


def run_init_container(server, password):
    """Run the script of the init container, on this machine."""
    file = server.home / "password"
    file.write_text(password)
    server.own(file)
    script = (CHART / "files" / "password.sh").read_text()
    script = script.replace("/run/secrets/admin/password", str(file))
    path = f"PATH={server.programs() / 'bin'}{os.pathsep}{os.environ['PATH']}"
    result = server.run(["env", path, f"PGDATA={server.data}", "bash", "-c", script])
    assert result.returncode == 0, result.stderr


def log_in(port, password):
    psycopg2.connect(
        host="127.0.0.1", port=port, user="postgres", password=password, dbname="postgres"
    ).close()


@pytest.mark.parametrize("password", ["new", "it's \\new; 'x", "two\nlines;\nx"])
def test_a_start_takes_over_a_changed_password_of_the_administrator(server, password):
    run_init_container(server, password)
    port = server.start()
    log_in(port, password)
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        log_in(port, "old")


def test_a_first_start_is_left_to_the_image(server, tmp_path):
    server.data = tmp_path / "none"
    run_init_container(server, "new")
    assert not server.data.exists()


def certificate(folder, major):
    """Write the files of the generated Secret, and return their folder."""
    (secret,) = select(render(major), "Secret", "app-postgresql-tls")
    assert secret["type"] == "kubernetes.io/tls"
    for name, content in secret["data"].items():
        (folder / name).write_bytes(base64.b64decode(content))
    return folder


def shake_hands(folder: Path, name: str) -> None:
    """Connect a client that verifies the server's name to a server, in memory."""
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    client_side = ssl.create_default_context(cafile=folder / "ca.crt")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    waiting = [client, server, client]
    for side in waiting:
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert client.getpeercert()


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("domain", ["", ".test", ".test.svc"])
def test_the_certificate_is_that_of_the_service_that_clients_use(domain, major, tmp_path):
    shake_hands(certificate(tmp_path, major), f"app-postgresql-client{domain}")


def test_the_certificate_is_not_that_of_another_host(tmp_path):
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(certificate(tmp_path, 4), "example.com")


@pytest.mark.parametrize("name", ["default", "gateway"])
def test_clients_verify_the_bundled_database_and_get_no_key(name):
    for title, pod in pods(render(4, *example(name))).items():
        items = {
            volume["name"]: [item["key"] for item in volume["secret"]["items"]]
            for volume in pod["spec"].get("volumes", [])
            if "secret" in volume
        }
        env = [
            {each["name"]: each.get("value") for each in container.get("env", [])}
            for container in containers(pod)
        ]
        if any("DB_HOST" in variables for variables in env):
            assert items["ca"] == ["ca.crt"]
            assert all(variables["DB_SSLMODE"] == "verify-full" for variables in env)
            assert all(variables["DB_SSLROOTCERT"] == "/run/secrets/ca/ca.crt" for variables in env)
        has_key = any("tls.key" in keys for keys in items.values())
        assert has_key == title.startswith("StatefulSet ")


def test_clients_use_a_service_with_an_address_and_the_statefulset_keeps_its_own():
    objects = render(4)
    (headless,) = select(objects, "Service", "app-postgresql")
    (clients,) = select(objects, "Service", "app-postgresql-client")
    (server,) = select(objects, "StatefulSet")
    assert server["spec"]["serviceName"] == headless["metadata"]["name"]
    assert headless["spec"]["clusterIP"] == "None"
    assert "clusterIP" not in clients["spec"]
    assert clients["spec"]["selector"] == headless["spec"]["selector"]


@pytest.mark.parametrize(
    ("option", "root"),
    [
        ({"caSecret": "database-ca"}, "/run/secrets/ca/ca.crt"),
        ({"systemCAs": "true"}, "/etc/ssl/certs/ca-certificates.crt"),
    ],
)
def test_an_external_database_is_verified_by_default(option, root):
    ((name, value),) = option.items()
    options = settings(
        database__mode="external",
        database__external__host="database.example.com",
        database__existingAdminSecret="admin",
        **{f"database__external__{name}": value},
    )
    for pod in pods(render(4, *options)).values():
        for container in containers(pod):
            env = {each["name"]: each.get("value") for each in container["env"]}
            if "DB_HOST" in env:
                assert (env["DB_SSLMODE"], env["DB_SSLROOTCERT"]) == ("verify-full", root)


def test_the_alert_watches_the_volume_that_the_server_has():
    objects = render(4, *settings(prometheusRule__enabled="true"))
    (server,) = select(objects, "StatefulSet")
    (claim,) = server["spec"]["volumeClaimTemplates"]
    volume = f"{claim['metadata']['name']}-{server['metadata']['name']}-0"
    (rule,) = select(objects, "PrometheusRule")[0]["spec"]["groups"][0]["rules"]
    assert rule["expr"].count(f'{{namespace="test",persistentvolumeclaim=~"{volume}"}}') == 2
