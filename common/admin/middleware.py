"""Sessions and accounts: only the admin has them, so only its pages take the time."""

from functools import cache
from typing import Any

from django.contrib.auth import hashers
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest
from gevent.threadpool import ThreadPool

from common.database import deadline
from common.database.pool import release_connections


class AdminOnly:
    """A middleware that lets all other requests pass by."""

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith("/admin/"):
            return super().__call__(request)  # type: ignore[misc]
        return self.get_response(request)  # type: ignore[attr-defined]


class SessionMiddleware(AdminOnly, sessions.SessionMiddleware):
    """Who has logged in."""


class AuthenticationMiddleware(AdminOnly, auth.AuthenticationMiddleware):
    """The account of who has logged in."""


class MessageMiddleware(AdminOnly, messages.MessageMiddleware):
    """Messages that outlive a redirect."""


@cache
def hashing_thread() -> ThreadPool:
    """Return the one thread of a process that hashes passwords."""
    return ThreadPool(1)


class PasswordHasher(hashers.PBKDF2PasswordHasher):
    """Django's own, in a thread: it takes so long that requests of others would wait for it."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        release_connections()
        encoded: str = hashing_thread().apply(super().encode, (password, salt, iterations))
        deadline.restart()  # It may have been the turn of many others first.
        return encoded
