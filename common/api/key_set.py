"""The public keys of a token issuer, from a URL or a file with a JSON Web Key Set (RFC 7517)."""

import json
import logging
import time
from http.client import HTTPException
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.request import HTTPRedirectHandler, build_opener

from jwt import PyJWK
from jwt.exceptions import PyJWTError

logger = logging.getLogger(__name__)

ASYMMETRIC = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
LARGEST_DOCUMENT = 1_000_000  # bytes
# Seconds after which the keys are fetched again, so that removed ones are forgotten. While the
# issuer cannot be reached, those that are known stay in use.
MAX_AGE = 300
IDLE = 600  # seconds without a fetch, after which a request with a known key waits for one, too
COOLDOWN = 10  # seconds from one fetch to the next, however many unknown key ids arrive
FETCH_TIMEOUT = 2.0  # seconds that a request with an unknown key waits for a fetch


class NoRedirects(HTTPRedirectHandler):
    """Refuses redirects, which could lead from https to http."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class KeySet:
    """The keys behind a URL. They are fetched in a thread, so that known keys never wait.

    An unknown key id causes a fetch, but at most one in COOLDOWN seconds.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.keys: dict[str, PyJWK] = {}
        self._lock = Lock()
        self._thread: Thread | None = None  # of the last fetch
        self._fetched_at = 0.0  # when it began

    def find(self, key_id: str) -> PyJWK | None:
        """Return the key with an id, or None."""
        key = self.keys.get(key_id)
        was_idle = time.monotonic() - self._fetched_at > IDLE
        fetch = self._fetch_if_older_than(MAX_AGE if key else COOLDOWN)
        if key is None or was_idle:
            fetch.join(FETCH_TIMEOUT)
            key = self.keys.get(key_id)
        return key

    def _fetch_if_older_than(self, age: float) -> Thread:
        """Return the thread of the last fetch, or of a new one if the last is older."""
        with self._lock:
            is_old = time.monotonic() - self._fetched_at > age
            if self._thread is None or (is_old and not self._thread.is_alive()):
                self._fetched_at = time.monotonic()
                self._thread = Thread(target=self._fetch, daemon=True)
                self._thread.start()
            return self._thread

    def _fetch(self) -> None:
        try:
            opener = build_opener(NoRedirects)
            with opener.open(self.url, timeout=FETCH_TIMEOUT) as answer:
                self.keys = parse(answer.read(LARGEST_DOCUMENT))
        except (OSError, HTTPException, ValueError, RecursionError) as error:
            logger.error("The keys for tokens cannot be fetched from AUTH_JWKS_URL: %s", error)


class FileKeySet:
    """The keys in a file, which is read at startup."""

    def __init__(self, path: str) -> None:
        self.keys = parse(Path(path).read_bytes())

    def find(self, key_id: str) -> PyJWK | None:
        """Return the key with an id, or None."""
        return self.keys.get(key_id)


def parse(document: bytes) -> dict[str, PyJWK]:
    """Return the keys of a JSON Web Key Set by id; raise ValueError if there are none.

    Symmetric keys are left out: whoever can verify with one can also sign. So are keys without an
    id, those for encryption, and those of unknown kinds.
    """
    keys = {}
    for entry in entries(document):
        try:
            key = PyJWK(entry)
        except (PyJWTError, TypeError, ValueError):  # An odd one does not make the others useless.
            continue
        is_usable = key.algorithm_name in ASYMMETRIC and entry.get("use", "sig") == "sig"
        if is_usable and isinstance(key.key_id, str):
            keys[key.key_id] = key
    if not keys:
        raise ValueError("There is no public key for signatures with a `kid` in it.")
    return keys


def entries(document: bytes) -> list[dict[str, Any]]:
    """Return the members of a JSON Web Key Set's `keys`."""
    decoded = json.loads(document)
    found = decoded.get("keys") if isinstance(decoded, dict) else None
    if not isinstance(found, list):
        raise ValueError("It is not a JSON Web Key Set, an object with `keys`.")
    return [entry for entry in found if isinstance(entry, dict)]
