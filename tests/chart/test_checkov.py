"""checkov scans every example and the Dockerfile; without checkov the tests are skipped."""

import json
import shutil
import subprocess

import pytest

from tests.chart.helm import EXAMPLES, ROOT, example, text

EXCEPTIONS = {
    "CKV_DOCKER_2": "Kubernetes and compose.yaml have probes of their own",
    "CKV_DOCKER_7": "the base image's tag is in an ARG, which checkov does not read",
    "CKV_K8S_8": "the test pod runs to completion and serves no requests",
    "CKV_K8S_9": "the same",
    "CKV_K8S_11": "a CPU limit throttles for no gain: CPU requests divide a busy node fairly",
    "CKV_K8S_14": "docker build -t user_service makes the tag latest; a release sets its own",
    "CKV_K8S_15": "images built on the node are in no registry to pull from",
    "CKV_K8S_35": "only the administrator's user name is a variable; passwords are files",
    "CKV_K8S_40": "the uid of the official PostgreSQL image is 999",
    "CKV_K8S_43": "a digest cannot be known before the build; image.digest takes one",
    "CKV_SECRET_6": "it finds the Secrets of an example, whose values are public",
}


def check(folder):
    """Return the checks that fail in a folder."""
    if shutil.which("checkov") is None:
        pytest.skip("checkov is not on the PATH; it is too large to install with every checkout.")
    command = ["checkov", "--skip-download", "--quiet", "--compact", "--output", "json"]
    options = ["--skip-check", ",".join(EXCEPTIONS), "--directory", str(folder)]
    result = subprocess.run([*command, *options], capture_output=True, text=True)
    reports = json.loads(result.stdout)
    return [
        f"{failed['check_id']} {failed['check_name']}: {failed['resource']}"
        for report in (reports if isinstance(reports, list) else [reports])
        for failed in report.get("results", {}).get("failed_checks", [])
    ]


def test_every_example_passes_checkov_except_for_the_exceptions(tmp_path):
    for name in EXAMPLES:
        (tmp_path / f"{name}.yaml").write_text(text(4, *example(name)))
    assert check(tmp_path) == []


def test_the_dockerfile_passes_checkov(tmp_path):
    (tmp_path / "Dockerfile").write_text((ROOT / "Dockerfile").read_text())
    assert check(tmp_path) == []
