"""checkov looks at every example; where it is not installed the test is skipped."""

import json
import shutil
import subprocess

import pytest

from tests.chart.helm import EXAMPLES, ROOT, example, text

EXCEPTIONS = {
    "CKV_DOCKER_2": "Kubernetes and compose.yaml have probes of their own",
    "CKV_DOCKER_7": "the base image's tag stands in an argument, where checkov does not look",
    "CKV_K8S_8": "the test's pod ends by itself, and nobody sends it requests",
    "CKV_K8S_9": "likewise",
    "CKV_K8S_11": "a CPU limit slows requests and protects nobody: requests share a busy node",
    "CKV_K8S_14": "docker build -t user_service makes the tag latest; a release sets its own",
    "CKV_K8S_15": "images that were built on the node can be pulled from nowhere",
    "CKV_K8S_35": "the administrator's name comes as a variable; passwords come as files",
    "CKV_K8S_40": "the official PostgreSQL image has its account at 999",
    "CKV_K8S_43": "a digest cannot be known before the build; image.digest takes one",
    "CKV_SECRET_6": "what it finds are the Secrets of an example, whose values are public",
}


def check(folder):
    """Return what checkov finds wrong in a folder."""
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


def test_checkov_finds_nothing_but_the_exceptions(tmp_path):
    for name in EXAMPLES:
        (tmp_path / f"{name}.yaml").write_text(text(4, *example(name)))
    assert check(tmp_path) == []


def test_checkov_finds_nothing_wrong_with_the_dockerfile(tmp_path):
    (tmp_path / "Dockerfile").write_text((ROOT / "Dockerfile").read_text())
    assert check(tmp_path) == []
