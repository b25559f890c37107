"""What is drilled on a cluster: a release of the chart, reached by kubectl."""

import csv
import subprocess

from tests.drill.comparison import Row
from tests.drill.ledger import Ledger
from tests.drill.load import Pace
from tests.drill.remote import RemoteLoad
from tests.drill.system import LAST_ID, ROWS

# The clients run in this pod, so that their requests go through the Services.
POD = "load"
PSQL = (
    "PGPASSWORD=$(cat /run/secrets/admin/password) exec psql --host=127.0.0.1 --username=postgres"
    " --dbname=random --no-psqlrc --csv --tuples-only --set=ON_ERROR_STOP=1"
)
# Kills the children of the first process.
KILL_WORKERS = """
import os, signal
for pid in open("/proc/1/task/1/children").read().split():
    os.kill(int(pid), signal.SIGKILL)
"""


class Cluster:
    """A release of the chart with the database that it brings."""

    replica = None

    def __init__(self, context: str, namespace: str, release: str) -> None:
        self.command = ["kubectl", "--context", context, "--namespace", namespace]
        self.release = release
        self.ledger = Ledger("")

    def kubectl(self, *words: str, given: str = "") -> str:
        """Run kubectl, and return what it prints; raise what it complains about."""
        result = subprocess.run(
            [*self.command, *words], input=given, capture_output=True, text=True, check=False
        )
        if result.returncode:
            raise RuntimeError(f"kubectl {' '.join(words)}: {result.stderr.strip()}")
        return result.stdout

    def load(self, pace: Pace) -> RemoteLoad:
        """Return clients in a pod, which write into the ledger."""
        python = [*self.command, "exec", "--stdin", POD, "--", "python"]
        users, numbers = (f"http://{self.release}-{name}" for name in ("users", "numbers"))
        return RemoteLoad(python, users, numbers, self.ledger, pace)

    def query(self, statement: str) -> list[list[str]]:
        """Run a query as PostgreSQL's superuser, and return its rows."""
        pod = f"statefulset/{self.release}-postgresql"
        printed = self.kubectl("exec", "--stdin", pod, "--", "sh", "-c", PSQL, given=statement)
        return list(csv.reader(printed.splitlines()))

    def rows(self, users: str) -> list[Row]:
        """Return the numbers that are saved for the users whose names begin with some text."""
        found = self.query(ROWS % f"'{users}'")  # the name of a fault
        return [(int(pk), name, int(limit), int(number)) for pk, name, limit, number in found]

    def last_id(self) -> int:
        """Return the largest id of the saved numbers."""
        return int(self.query(LAST_ID)[0][0])

    def pods(self, component: str) -> list[str]:
        """Return the pods of a component of the release."""
        labels = (
            f"app.kubernetes.io/instance={self.release},app.kubernetes.io/component={component}"
        )
        return self.kubectl("get", "pods", "--selector", labels, "--output", "name").split()

    def kill_workers(self, pod: str) -> None:
        """Kill the worker processes of a pod."""
        self.kubectl("exec", pod, "--", "python", "-c", KILL_WORKERS)

    def scale(self, name: str, replicas: int) -> None:
        """Let a service have a number of pods, and wait until they are ready."""
        deployment = f"deployment/{self.release}-{name}"
        self.kubectl("scale", deployment, f"--replicas={replicas}")
        self.wait_for(deployment)

    def restart(self, name: str) -> None:
        """Replace all pods of a service by new ones, as an upgrade does."""
        deployment = f"deployment/{self.release}-{name}"
        self.kubectl("rollout", "restart", deployment)
        self.wait_for(deployment)

    def wait_for(self, thing: str) -> None:
        """Wait until all pods of a deployment or a StatefulSet are ready."""
        self.kubectl("rollout", "status", "--timeout", "5m", thing)
