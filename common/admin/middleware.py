"""Sessions, accounts and messages for the admin's pages only.

The API has neither, and without them a POST takes 3 % less time. `common.api.checks` refuses a view
that relies on sessions.
"""

from typing import Any

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest


class AdminOnly:
    """Makes a middleware let all other requests pass."""

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith("/admin/"):
            return super().__call__(request)  # type: ignore[misc]
        return self.get_response(request)  # type: ignore[attr-defined]


class SessionMiddleware(AdminOnly, sessions.SessionMiddleware):
    """Django's own, for the admin."""


class AuthenticationMiddleware(AdminOnly, auth.AuthenticationMiddleware):
    """Django's own, for the admin."""


class MessageMiddleware(AdminOnly, messages.MessageMiddleware):
    """Django's own, for the admin."""
