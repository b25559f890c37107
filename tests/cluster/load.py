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
from urllib.request import Request, urlopen

CLIENTS = 4
SECONDS = float(os.environ["SECONDS"])


def call(url: str, body: object = None) -> None:
    """Send a request; raise unless it succeeds."""
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data, {"Content-Type": "application/json"}), timeout=10) as answer:
        answer.read()


def wait_for(service: str) -> None:
    """Wait until a service is ready; NetworkPolicies apply a moment after a pod starts."""
    end = time.monotonic() + 300
    while True:
        try:
            return call(f"{service}/readyz")
        except OSError:
            if time.monotonic() > end:
                raise
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
