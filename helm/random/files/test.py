"""Create a user, draw a number for it, find that number in the list and report it."""

import json
import os
import sys
import time
import uuid
from contextlib import suppress
from urllib.request import Request, urlopen

# The header of a gateway that terminates TLS: secureSSLRedirect may be on.
HEADERS = {"Content-Type": "application/json", "X-Forwarded-Proto": "https"}


def call(url, body=None):
    """Return the decoded response; raise unless it is a success."""
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data, HEADERS), timeout=10) as answer:
        return json.load(answer)


def eventually(attempt):
    """Return the first truthy result within 30 seconds, or else that of one last attempt."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with suppress(OSError):
            if result := attempt():
                return result
        time.sleep(0.5)
    return attempt()


users, numbers = os.environ["USERS_URL"], os.environ["NUMBERS_URL"]
# NetworkPolicies apply to a new pod a moment after it starts.
eventually(lambda: call(f"{users}/readyz"))
eventually(lambda: call(f"{numbers}/readyz"))
name = f"helm-test-{uuid.uuid4()}"
user = call(f"{users}/users", {"name": name})
drawn = call(f"{numbers}/generate-random-number", {"user": name, "limit": 6})
# Lists may come from a replica, which lags behind by a moment.
saved = eventually(lambda: call(f"{numbers}/get-saved-numbers?user={name}")["savedNumbers"])
if [(row["id"], row["number"]) for row in saved] != [(drawn["id"], drawn["randomNumber"])]:
    sys.exit(f"The number {drawn} of the user {user} is not the one saved: {saved}")
print(f"{name} is user {user['id']}, and {drawn['randomNumber']} was drawn and saved.")
