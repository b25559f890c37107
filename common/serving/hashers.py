"""Password hashing beside the greenlets.

A hash takes 0.2 s or more. In a greenlet all other requests of the process would wait for it; in
a thread they do not.
"""

from functools import cache

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from gevent.threadpool import ThreadPool

from common.database import deadline
from common.database.pool import checkout


@cache
def hashing_thread() -> ThreadPool:
    """Return the one thread of a process that hashes passwords."""
    return ThreadPool(1)


class ThreadedPBKDF2PasswordHasher(PBKDF2PasswordHasher):
    """Django's own hasher, in a thread."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with checkout():  # no connection meanwhile
            encoded: str = hashing_thread().apply(super().encode, (password, salt, iterations))
        deadline.restart()  # Others' hashes may have come first.
        return encoded
