"""All images as the chart runs them, with a real PostgreSQL; tests/images/run.sh builds them.

The containers run until the session ends, so that the contract tests can use them too.
"""

import os
import random
import re
import select
import socket
import socketserver
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.request import ProxyHandler, build_opener

import httpx
import pytest

from common.services import SERVICES as LISTED
from tests.chart.helm import render, settings
from tests.images.kubelet import Kubelet, engine

SERVICES = [service.name for service in LISTED]

# Runs inside a service's container.
PROMISES = """
import pathlib, shutil, sys
app = {path.name for path in pathlib.Path("/app").iterdir()}
assert app == {"common", f"{sys.argv[1]}_project", ".static"}, app
status = pathlib.Path("/proc/1/status").read_text()
assert "CapEff:\\t0000000000000000\\n" in status, status
assert "NoNewPrivs:\\t1\\n" in status, status
assert "Uid:\\t10001\\t" in status, status
assert b"gunicorn" in pathlib.Path("/proc/1/cmdline").read_bytes(), "PID 1 is not gunicorn"
assert not [tool for tool in ("cc", "gcc", "pip") if shutil.which(tool)]
try:
    pathlib.Path("/app/file").touch()
except OSError:
    sys.exit()
sys.exit("The root file system can be written.")
"""


def url_of(service):
    return os.environ[f"{service.upper()}_URL"]


def address_of(service):
    return url_of(service).removeprefix("http://")


def name_of(word):
    return f"test-{word}-{os.getpid()}"


def free_address():
    with socket.socket() as candidate:
        candidate.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{candidate.getsockname()[1]}"


def wait_until_ready(url):
    opener = build_opener(ProxyHandler({}))
    end = time.monotonic() + 300
    while True:
        try:
            return opener.open(f"{url}/readyz", timeout=5).read()
        except OSError:
            assert time.monotonic() < end, f"{url} did not become ready."
            time.sleep(0.05)


def remove(*names):
    """Remove the containers that exist."""
    for name in names:
        if engine("ps", "--all", "--quiet", "--filter", f"name=^{name}$"):
            engine("rm", "--force", name)


@pytest.fixture(scope="session")
def kubelet(tmp_path_factory):
    """All pods of the release, started at once; their init containers enforce the order."""
    options = settings(
        defaults__image__tag="test", database__adminPassword=os.environ["DB_ADMIN_PASSWORD"]
    )
    folder = tmp_path_factory.mktemp("mounts")
    # The containers' uid has to be able to read the mounted files.
    folder.parent.chmod(0o755)
    folder.chmod(0o755)
    kubelet = Kubelet(render(4, *options), folder, {"DB_PORT": os.environ["DB_PORT"]})
    try:
        with ThreadPoolExecutor() as pool:
            # First the Jobs: if one fails, the services wait for it in vain and cannot say why.
            jobs = [title for title in kubelet.pods if title.startswith("Job ")]
            pending = [pool.submit(kubelet.run, title) for title in jobs]
            pending += [
                pool.submit(
                    kubelet.start,
                    f"Deployment app-{service}",
                    name_of(service),
                    BIND=address_of(service),
                )
                for service in SERVICES
            ]
            for each in pending:
                each.result()
        for service in SERVICES:
            wait_until_ready(url_of(service))
        yield kubelet
    finally:
        remove(*map(name_of, SERVICES))


def test_pods_that_start_all_at_once_become_ready(kubelet):
    for service in SERVICES:
        assert b'"migrations": "ok"' in wait_until_ready(url_of(service))


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_has_no_privileges_and_only_its_own_files(kubelet, service):
    command = ("exec", "--interactive", name_of(service), "python", "-", service)
    engine(*command, given=PROMISES)


def test_the_pod_of_helm_test_succeeds(kubelet):
    urls = {
        f"{service.upper()}_URL": f"http://app-{service}:{address_of(service).split(':')[1]}"
        for service in SERVICES
    }
    output = kubelet.run("Pod app-test", **urls)
    assert re.search(r"helm-test-\S+ is user \d+, and [0-6] was drawn and saved\.", output)


class Balancer(socketserver.ThreadingTCPServer):
    """Forwards each connection to a random endpoint, as a Service does."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Connection)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.endpoints = []


class Connection(socketserver.BaseRequestHandler):
    def handle(self):
        host, port = random.choice(self.server.endpoints).split(":")
        with socket.create_connection((host, int(port))) as pod:
            peers = {self.request: pod, pod: self.request}
            while True:
                for ready in select.select(list(peers), [], [])[0]:
                    received = ready.recv(65536)
                    if not received:
                        return
                    peers[ready].sendall(received)


class Load:
    """Clients that request users until they are stopped, with a new connection for each request."""

    def __init__(self, url):
        self.url = url
        self.results = Counter()
        self.ended = threading.Event()
        self.clients = [threading.Thread(target=self.ask) for _ in range(4)]

    def ask(self):
        while not self.ended.is_set():
            try:
                status = httpx.get(f"{self.url}/users?page_size=10", timeout=10).status_code
            except httpx.HTTPError as error:
                status = repr(error)
            self.results[status] += 1

    def wait_for(self, requests):
        """Wait until this many more requests have succeeded."""
        wanted = self.results[200] + requests
        end = time.monotonic() + 300
        while self.results[200] < wanted:
            assert time.monotonic() < end, self.results
            time.sleep(0.01)

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *exception):
        self.ended.set()
        for client in self.clients:
            client.join()


@pytest.fixture
def balancer():
    with Balancer() as balancer:
        threading.Thread(target=balancer.serve_forever, daemon=True).start()
        yield balancer
        balancer.shutdown()


def test_no_request_fails_during_a_rollout(kubelet, balancer):
    title = "Deployment app-users"
    addresses = {name_of("old"): free_address(), name_of("new"): free_address()}
    (old, old_address), (new, new_address) = addresses.items()
    try:
        kubelet.start(title, old, BIND=old_address)
        wait_until_ready(f"http://{old_address}")
        balancer.endpoints = [old_address]
        with Load(balancer.url) as load, ThreadPoolExecutor() as pool:
            load.wait_for(50)
            kubelet.start(title, new, BIND=new_address)
            wait_until_ready(f"http://{new_address}")
            balancer.endpoints = [old_address, new_address]
            load.wait_for(50)
            stopped = pool.submit(kubelet.stop, title, old)
            # Nodes remove a terminating pod from the endpoints with a delay.
            load.wait_for(50)
            balancer.endpoints = [new_address]
            stopped.result()
            load.wait_for(50)
        assert set(load.results) == {200}, load.results
        assert engine("inspect", "--format", "{{.State.ExitCode}}", old).strip() == "0"
    finally:
        remove(*addresses)
