"""Create a user, draw a number for it, find that number in the list and report it.

Where the services demand tokens, check that every call without one is refused.
"""

import json
import os
import sys
import time
import uuid
from functools import partial
from http import HTTPStatus
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

# The header of a gateway that terminates TLS: secureSSLRedirect may be on.
HEADERS = {"Content-Type": "application/json", "X-Forwarded-Proto": "https"}
SECONDS = 120
# The Services are in the cluster, whatever proxy the environment names.
OPENER = build_opener(ProxyHandler({}))
USERS, NUMBERS = os.environ["USERS_URL"], os.environ["NUMBERS_URL"]
NEEDS_TOKENS = os.environ["NEEDS_TOKENS"] == "true"


def call(url, body=None):
    """Return the decoded response; raise unless it is a success."""
    data = None if body is None else json.dumps(body).encode()
    with OPENER.open(Request(url, data, HEADERS), timeout=10) as answer:
        return json.load(answer)


def repeat(attempt):
    """Return the first result that is not empty; give up after a while.

    The nodes apply NetworkPolicies to a new pod one after another, so any call may fail although an
    earlier one did not. Lists may come from a replica, which lags behind.
    """
    end = time.monotonic() + SECONDS
    while True:
        try:
            result, reason = attempt(), "The result is empty."
        except (OSError, HTTPException) as error:
            result, reason = None, error
        if result:
            return result
        if time.monotonic() > end:
            sys.exit(f"No success within {SECONDS} seconds: {reason}")
        time.sleep(0.5)


def create_user():
    """Create a user of a new name: if an answer was lost, the name of that attempt is taken."""
    return call(f"{USERS}/users", {"name": f"helm-test-{uuid.uuid4()}"})


def is_refused(url, body=None):
    """Return whether a call without a token is answered 401."""
    try:
        answer = call(url, body)
    except HTTPError as error:
        if error.code == HTTPStatus.UNAUTHORIZED:
            return True
        raise
    sys.exit(f"{url} asks for no token: {answer}")


repeat(lambda: call(f"{USERS}/readyz"))
repeat(lambda: call(f"{NUMBERS}/readyz"))
if NEEDS_TOKENS:
    for url in (f"{USERS}/users", f"{NUMBERS}/generate-random-number"):
        repeat(partial(is_refused, url, {}))
    for url in (f"{USERS}/users", f"{NUMBERS}/get-saved-numbers"):
        repeat(partial(is_refused, url))
    print("Without a token, every call is refused.")
    sys.exit()
user = repeat(create_user)
name = user["name"]
drawn = repeat(lambda: call(f"{NUMBERS}/generate-random-number", {"user": name, "limit": 6}))
saved = repeat(lambda: call(f"{NUMBERS}/get-saved-numbers?user={name}")["savedNumbers"])
if (drawn["id"], drawn["randomNumber"]) not in [(row["id"], row["number"]) for row in saved]:
    sys.exit(f"The number {drawn} of the user {user} is not among those saved: {saved}")
print(f"{name} is user {user['id']}, and {drawn['randomNumber']} was drawn and saved.")
