"""Both images as the chart runs them, on a real PostgreSQL; tests/images/run.sh has built them.

The containers run until the session ends, so that the contract's tests may follow in it.
"""

import os
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.request import ProxyHandler, build_opener

import pytest

from tests.chart.helm import render, settings
from tests.images.kubelet import Kubelet, engine

SERVICES = ("users", "numbers")

# Seen from inside a service's container.
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


def name_of(service):
    return f"test-{service}-{os.getpid()}"


def wait_until_ready(url):
    opener = build_opener(ProxyHandler({}))
    end = time.monotonic() + 30
    while True:
        try:
            return opener.open(f"{url}/readyz", timeout=5).read()
        except OSError:
            assert time.monotonic() < end, f"{url} did not become ready."
            time.sleep(0.05)


def remove(*names):
    """Remove containers; one that was never made is no fault."""
    for name in names:
        if engine("ps", "--all", "--quiet", "--filter", f"name=^{name}$"):
            engine("rm", "--force", name)


@pytest.fixture(scope="session")
def kubelet(tmp_path_factory):
    """All pods of the release, started at once: each waits for what it needs."""
    options = settings(
        defaults__image__tag="test", database__adminPassword=os.environ["DB_ADMIN_PASSWORD"]
    )
    folder = tmp_path_factory.mktemp("mounts")
    # The containers' account has to get through to what is mounted.
    folder.parent.chmod(0o755)
    folder.chmod(0o755)
    kubelet = Kubelet(render(4, *options), folder, {"DB_PORT": os.environ["DB_PORT"]})
    try:
        with ThreadPoolExecutor() as pool:
            pending = [
                pool.submit(
                    kubelet.start,
                    f"Deployment app-{service}",
                    name_of(service),
                    BIND=address_of(service),
                )
                for service in SERVICES
            ]
            jobs = [title for title in kubelet.pods if title.startswith("Job ")]
            pending += [pool.submit(kubelet.run, title) for title in jobs]
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
def test_a_container_holds_and_may_only_what_it_needs(kubelet, service):
    command = ("exec", "--interactive", name_of(service), "python", "-", service)
    engine(*command, given=PROMISES)


def test_the_pod_of_helm_test_tells_its_story(kubelet):
    urls = {
        f"{service.upper()}_URL": f"http://app-{service}:{address_of(service).split(':')[1]}"
        for service in SERVICES
    }
    output = kubelet.run("Pod app-test", **urls)
    assert re.search(r"helm-test-\S+ is user \d+, and [0-6] was drawn and saved\.", output)


def test_a_pod_that_is_asked_to_stop_ends_by_itself(kubelet):
    with socket.socket() as candidate:
        candidate.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{candidate.getsockname()[1]}"
    name = f"test-stop-{os.getpid()}"
    try:
        kubelet.start("Deployment app-users", name, BIND=address)
        wait_until_ready(f"http://{address}")
        begin = time.monotonic()
        engine("stop", "--time", "40", name)
        assert time.monotonic() - begin < 10
        assert engine("inspect", "--format", "{{.State.ExitCode}}", name).strip() == "0"
    finally:
        remove(name)
