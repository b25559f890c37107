"""Sessions and accounts: only the admin has them, so only its pages take the time."""

from typing import Any

import gevent
from django.contrib.auth import hashers
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest


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


class PasswordHasher(hashers.PBKDF2PasswordHasher):
    """Django's own, which calculates in a thread: it takes so long that others would wait."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        in_a_thread = gevent.get_hub().threadpool.apply
        encoded: str = in_a_thread(super().encode, (password, salt, iterations))
        return encoded
