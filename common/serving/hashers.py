"""Password hashing in a native thread.

A hash takes 0.2 s or more. In a greenlet it would block all other requests of the process; in a
thread it does not. Few may wait for the thread, so that nobody waits for longer than a few seconds.
"""

from functools import cache

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from gevent.lock import Semaphore
from gevent.threadpool import ThreadPool
from rest_framework.exceptions import Throttled

from common.database import deadline
from common.database.pool import checkout

LONGEST_QUEUE = 8  # passwords, with the one that is being hashed
RETRY_AFTER = 5  # seconds
places = Semaphore(LONGEST_QUEUE)


@cache
def hashing_thread() -> ThreadPool:
    """Return the process's pool of one thread for hashing passwords."""
    return ThreadPool(1)


class ThreadedPBKDF2PasswordHasher(PBKDF2PasswordHasher):
    """Django's PBKDF2 hasher, in a thread."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        if not places.acquire(blocking=False):
            raise Throttled(RETRY_AFTER, "Too many passwords are being checked.")
        try:
            with checkout():  # Hold no connection meanwhile.
                encoded: str = hashing_thread().apply(super().encode, (password, salt, iterations))
        finally:
            places.release()
        deadline.restart()  # Hashes of other requests may have been first in the queue.
        return encoded
