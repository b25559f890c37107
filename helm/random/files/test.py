"""Create a user, draw a number for it and find the number in the list; then say so."""

import json
import os
import sys
import time
import uuid
from urllib.request import Request, urlopen


def call(url, body=None):
    """Return the decoded answer; an answer that is no success raises."""
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data, {"Content-Type": "application/json"}), timeout=10) as answer:
        return json.load(answer)


def wait_for(service):
    """Wait until a service is ready: NetworkPolicies let a new pod in a moment after its start."""
    end = time.monotonic() + 30
    while True:
        try:
            return call(f"{service}/readyz")
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


users, numbers = os.environ["USERS_URL"], os.environ["NUMBERS_URL"]
wait_for(users)
wait_for(numbers)
name = f"helm-test-{uuid.uuid4()}"
user = call(f"{users}/users", {"name": name})
drawn = call(f"{numbers}/generate-random-number", {"user": name, "limit": 6})
saved = call(f"{numbers}/get-saved-numbers?user={name}")["savedNumbers"]
if [(row["id"], row["number"]) for row in saved] != [(drawn["id"], drawn["randomNumber"])]:
    sys.exit(f"The number {drawn} of the user {user} is not the one saved: {saved}")
print(f"{name} is user {user['id']}, and {drawn['randomNumber']} was drawn and saved.")
