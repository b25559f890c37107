"""Sessions, authentication and messages for admin pages only.

The API uses none of them, and a POST takes 3 % less time without them. `common.api.checks` rejects
a view that relies on sessions.
"""

from typing import Any

from django.conf import settings
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

    def process_request(self, request: HttpRequest) -> None:
        """Take a key that cannot be one for none: PostgreSQL would reject a NUL in it."""
        name = settings.SESSION_COOKIE_NAME
        if not request.COOKIES.get(name, "none").isalnum():
            request.COOKIES[name] = ""
        super().process_request(request)


class AuthenticationMiddleware(AdminOnly, auth.AuthenticationMiddleware):
    """Django's authentication middleware, for the admin."""


class MessageMiddleware(AdminOnly, messages.MessageMiddleware):
    """Django's message middleware, for the admin."""
