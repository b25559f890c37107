"""Send requests to both services for SECONDS, then report how many failed, and how.

It runs in a pod, so that requests go through the Service. Each request opens a new connection, so
that any of them can hit a terminating pod.
"""

import json
import os
import sys
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from urllib.request import ProxyHandler, Request, build_opener

CLIENTS = 4
# The Services are in the cluster, whatever proxy the environment names.
OPENER = build_opener(ProxyHandler({}))
SECONDS = float(os.environ["SECONDS"])


def call(url: str, body: object = None) -> None:
    """Send a request; raise unless it succeeds."""
    data = None if body is None else json.dumps(body).encode()
    with OPENER.open(
        Request(url, data, {"Content-Type": "application/json"}), timeout=10
    ) as answer:
        answer.read()


def wait_for(service: str) -> None:
    """Wait until all pods of a service answer: forty times in a row, one or another of them does.

    The nodes of these pods apply NetworkPolicies to this new pod one after another.
    """
    end = time.monotonic() + 300
    successes = 0
    while successes < 40:
        try:
            call(f"{service}/readyz")
            successes += 1
        except (OSError, HTTPException):
            if time.monotonic() > end:
                raise
            successes = 0
            time.sleep(0.5)


def client(end: float) -> Counter[str]:
    """Register a user, then draw numbers, list them and look the user up until the end."""
    users, numbers = os.environ["USERS_URL"], os.environ["NUMBERS_URL"]
    name = f"load-{uuid.uuid4()}"
    call(f"{users}/users", {"name": name})
    requests: list[tuple[str, object]] = [
        (f"{numbers}/generate-random-number", {"user": name}),
        (f"{numbers}/get-saved-numbers?page_size=10", None),
        (f"{users}/users?name={name}", None),
    ]
    results: Counter[str] = Counter()
    while time.monotonic() < end:
        for request in requests:
            try:
                call(*request)
                results["succeeded"] += 1
            except (OSError, HTTPException) as error:
                results[f"{request[0].split('?')[0]}: {error}"] += 1
    return results


if __name__ == "__main__":
    wait_for(os.environ["USERS_URL"])
    wait_for(os.environ["NUMBERS_URL"])
    with ThreadPoolExecutor(CLIENTS) as pool:
        ends = [time.monotonic() + SECONDS] * CLIENTS
        total = sum(pool.map(client, ends), Counter())
    print(json.dumps(total, indent=2), flush=True)
    sys.exit(len(total) > 1 or not total["succeeded"])
