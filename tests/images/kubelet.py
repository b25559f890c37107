"""Runs the chart's pods as containers on this machine, the way a kubelet would.

All containers use the host network, and the names of Services resolve to 127.0.0.1.
"""

import base64
import os
import subprocess
from pathlib import Path
from time import monotonic

from tests.chart.helm import Object, pods, select

ENGINE = os.environ.get("ENGINE", "").split()
RUN_OPTIONS = os.environ.get("RUN_OPTIONS", "").split()


class Kubelet:
    """Runs the pods of a release, and keeps the files that they mount in a folder."""

    def __init__(self, objects: list[Object], folder: Path, environment: dict[str, str]) -> None:
        self.pods = pods(objects)
        self.secrets = {
            found["metadata"]["name"]: found["data"] for found in select(objects, "Secret")
        }
        self.services = [found["metadata"]["name"] for found in select(objects, "Service")]
        self.folder = folder
        self.environment = environment

    def run(self, title: str, **environment: str) -> str:
        """Run a pod's containers one after the other, and return the output of the last."""
        pod, output = self.pods[title], ""
        for container in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]:
            output = engine("run", "--rm", *self.options(pod, container, environment))
        return output

    def start(self, title: str, name: str, **environment: str) -> None:
        """Run a pod's init containers, then start its container in the background under a name."""
        pod = self.pods[title]
        for container in pod["spec"].get("initContainers", []):
            engine("run", "--rm", *self.options(pod, container, environment))
        (container,) = pod["spec"]["containers"]
        engine("run", "--detach", "--name", name, *self.options(pod, container, environment))

    def stop(self, title: str, name: str) -> None:
        """Run the preStop hook, then stop the container within the rest of its grace period."""
        spec = self.pods[title]["spec"]
        (container,) = spec["containers"]
        begin = monotonic()
        engine("exec", name, *container["lifecycle"]["preStop"]["exec"]["command"])
        left = spec["terminationGracePeriodSeconds"] - (monotonic() - begin)
        engine("stop", "--time", f"{left:.0f}", name)

    def options(self, pod: Object, container: Object, environment: dict[str, str]) -> list[str]:
        """Return the options, image and command of `run` for a container's spec."""
        context = {**pod["spec"]["securityContext"], **container["securityContext"]}
        options = ["--network=host", f"--user={context['runAsUser']}:{context['runAsGroup']}"]
        options += [f"--add-host={name}:127.0.0.1" for name in self.services]
        options += [f"--cap-drop={name}" for name in context["capabilities"]["drop"]]
        if not context["allowPrivilegeEscalation"]:
            options += ["--security-opt=no-new-privileges"]
        if context["readOnlyRootFilesystem"]:
            options += ["--read-only"]
        for mount in container.get("volumeMounts", []):
            (volume,) = (each for each in pod["spec"]["volumes"] if each["name"] == mount["name"])
            options += [self.mount(volume, mount["mountPath"])]
        values = {each["name"]: self.value(each) for each in container["env"]}
        for name, value in {**values, **self.environment, **environment}.items():
            options += ["--env", f"{name}={value}"]
        return [*RUN_OPTIONS, *options, container["image"], *container.get("command", [])]

    def value(self, variable: Object) -> str:
        """Return a variable's value, which may come from a Secret."""
        if "value" in variable:
            return str(variable["value"])
        reference = variable["valueFrom"]["secretKeyRef"]
        return self.decode(reference["name"], reference["key"]).decode()

    def mount(self, volume: Object, path: str) -> str:
        """Return the option that mounts an emptyDir or a Secret."""
        if "emptyDir" in volume:
            return f"--tmpfs={path}:mode=1777"
        secret = volume["secret"]["secretName"]
        folder = self.folder / secret
        folder.mkdir(mode=0o755, exist_ok=True)
        for item in volume["secret"].get("items") or [{"key": key} for key in self.secrets[secret]]:
            file = folder / item.get("path", item["key"])
            file.write_bytes(self.decode(secret, item["key"]))
            # A kubelet runs as root and sets the group to fsGroup instead.
            file.chmod(0o444)
        return f"--volume={folder}:{path}:ro"

    def decode(self, secret: str, key: str) -> bytes:
        """Return the value of a Secret's key."""
        return base64.b64decode(self.secrets[secret][key])


def engine(*arguments: str, given: str = "") -> str:
    """Run docker or podman and return its output; on failure raise with all of it."""
    result = subprocess.run([*ENGINE, *arguments], capture_output=True, text=True, input=given)
    if result.returncode != 0:
        raise AssertionError(result.stdout + result.stderr)
    return result.stdout
