"""Static checks of the Dockerfile and compose.yaml, which build no image."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

from common.services import SERVICES
from tests.chart.helm import CHART, ROOT, render, select

DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_the_dockerfile_passes_hadolint():
    hadolint = Path(sys.executable).parent / "hadolint"
    result = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_build_context_has_only_what_the_images_need():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert [rule for rule in rules if rule.startswith("!")] == [
        "!requirements.txt",
        "!common",
        "!*_project",
    ]


def test_compose_hardens_the_containers_like_the_chart():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    names = [service.name for service in SERVICES]
    for name in (*names, *(f"{name}-migrate" for name in names), "provision"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]
    for service in SERVICES:
        assert services[service.name]["ports"] == [f"127.0.0.1:{service.port}:8000"]


def test_compose_mounts_only_a_services_own_secrets():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    for service in (service.name for service in SERVICES):
        for name, owner in ((service, service), (f"{service}-migrate", f"{service}-owner")):
            assert services[name]["volumes"] == [f"{owner}-secrets:/run/secrets/{owner}:ro"]
            files = [value for value in services[name]["environment"].values() if "/run/" in value]
            assert len(files) == 2
            assert all(file.startswith(f"/run/secrets/{owner}/") for file in files)


def test_compose_makes_the_secrets_of_all_services_and_lets_provisioning_read_them():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    names = ["admin", *(service.name + kind for service in SERVICES for kind in ("", "-owner"))]
    volumes = [f"{name}-secrets:/run/secrets/{name}" for name in names]
    assert sorted(services["secrets"]["volumes"]) == sorted(volumes)
    mounted = sorted(services["provision"]["volumes"])
    assert mounted == sorted(f"{volume}:ro" for volume in volumes)
    for service in SERVICES:
        environment = services["provision"]["environment"]
        for kind, folder in (("", service.name), ("_OWNER", f"{service.name}-owner")):
            file = environment[f"{service.prefix}{kind}_DB_PASSWORD_FILE"]
            assert file == f"/run/secrets/{folder}/database"


def test_the_dockerfile_has_a_target_that_serves_each_service():
    stages = re.findall(r"^FROM runtime AS \w+\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.M | re.S)
    copied = [
        re.findall(r"^COPY (?:--from=source /app/)?(\S+) \S+$", stage, re.M) for stage in stages
    ]
    assert copied == [[f"{service.name}_project"] for service in SERVICES]
    for service, stage in zip(SERVICES, stages, strict=True):
        assert f"python {service.name}_project/manage.py collectstatic --noinput\n" in stage
        assert "\nUSER 10001:10001\n" in stage
        assert stage.rstrip().endswith(f', "{service.name}_project.wsgi"]')


def test_compose_and_the_chart_run_the_same_postgresql():
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    database = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["database"]
    assert database["image"] == values["database"]["bundled"]["image"]
    (server,) = select(render(4), "StatefulSet")
    (container,) = server["spec"]["template"]["spec"]["containers"]
    initdb = {
        "name": "POSTGRES_INITDB_ARGS",
        "value": database["environment"]["POSTGRES_INITDB_ARGS"],
    }
    assert initdb in container["env"]
