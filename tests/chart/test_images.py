"""Static checks of the Dockerfile and compose.yaml, which build no image."""

import subprocess
import sys
from pathlib import Path

import yaml

from tests.chart.helm import CHART, ROOT, render, select


def test_the_dockerfile_passes_hadolint():
    hadolint = Path(sys.executable).parent / "hadolint"
    result = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_build_context_has_only_what_the_images_need():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule for rule in rules if rule.startswith("!")} == {
        "!requirements.txt",
        "!common",
        "!users_project",
        "!numbers_project",
    }


def test_compose_hardens_the_containers_like_the_chart():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    for name in ("users", "numbers", "users-migrate", "numbers-migrate", "provision"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]
    assert services["users"]["ports"] == ["127.0.0.1:8081:8000"]
    assert services["numbers"]["ports"] == ["127.0.0.1:8080:8000"]


def test_compose_mounts_only_a_services_own_secrets():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    for owner in ("users", "numbers"):
        for name in (owner, f"{owner}-migrate"):
            assert services[name]["volumes"] == [f"{owner}-secrets:/run/secrets/{owner}:ro"]
            files = [value for value in services[name]["environment"].values() if "/run/" in value]
            assert len(files) == 2
            assert all(file.startswith(f"/run/secrets/{owner}/") for file in files)


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
