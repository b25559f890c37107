"""Create a user, draw a number for it and find the number in the list; then say so."""

import json
import os
import sys
import time
import uuid
from contextlib import suppress
from urllib.request import Request, urlopen

# As a gateway that ends TLS: a service may send clients of plain HTTP to it.
HEADERS = {"Content-Type": "application/json", "X-Forwarded-Proto": "https"}


def call(url, body=None):
    """Return the decoded answer; an answer that is no success raises."""
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data, HEADERS), timeout=10) as answer:
        return json.load(answer)


def eventually(attempt):
    """Return what an attempt gives as soon as it gives something; after 30 seconds, whatever."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with suppress(OSError):
            if result := attempt():
                return result
        time.sleep(0.5)
    return attempt()


users, numbers = os.environ["USERS_URL"], os.environ["NUMBERS_URL"]
# NetworkPolicies let a new pod in a moment after its start.
eventually(lambda: call(f"{users}/readyz"))
eventually(lambda: call(f"{numbers}/readyz"))
name = f"helm-test-{uuid.uuid4()}"
user = call(f"{users}/users", {"name": name})
drawn = call(f"{numbers}/generate-random-number", {"user": name, "limit": 6})
# A replica, from which lists may be read, follows a moment later.
saved = eventually(lambda: call(f"{numbers}/get-saved-numbers?user={name}")["savedNumbers"])
if [(row["id"], row["number"]) for row in saved] != [(drawn["id"], drawn["randomNumber"])]:
    sys.exit(f"The number {drawn} of the user {user} is not the one saved: {saved}")
print(f"{name} is user {user['id']}, and {drawn['randomNumber']} was drawn and saved.")
