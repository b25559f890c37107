"""Sessions, authentication and messages for admin pages only.

The API uses none of them, and a POST takes 3 % less time without them. `common.api.checks` rejects
a view that relies on sessions.
"""

from typing import Any

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest


class AdminOnly:
    """Mixin that applies a middleware to admin requests only."""

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith("/admin/"):
            return super().__call__(request)  # type: ignore[misc]
        return self.get_response(request)  # type: ignore[attr-defined]


class SessionMiddleware(AdminOnly, sessions.SessionMiddleware):
    """Django's session middleware, for the admin."""


class AuthenticationMiddleware(AdminOnly, auth.AuthenticationMiddleware):
    """Django's authentication middleware, for the admin."""


class MessageMiddleware(AdminOnly, messages.MessageMiddleware):
    """Django's message middleware, for the admin."""
