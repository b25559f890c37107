"""Sessions, authentication and messages for admin pages only.

The API uses none of them, and a POST takes 3 % less time without them. `common.api.checks` rejects
a view that relies on sessions.
"""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]


class AdminMiddleware:
    """Applies Django's middleware for the admin to its pages, and to no other request.

    The admin's views are decorated with csrf_protect, so they need no CsrfViewMiddleware.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        inner = AuthenticationMiddleware(MessageMiddleware(get_response))
        self.admin: Any = SessionMiddleware(inner)

    def __call__(self, request: HttpRequest) -> Any:
        if not request.path_info.startswith("/admin/"):
            return self.get_response(request)
        # No cookie of ours has a backslash. Python before 3.11.10 and 3.12.6 takes 0.3 s to parse
        # 8 KB of them.
        request.META["HTTP_COOKIE"] = request.META.get("HTTP_COOKIE", "").replace("\\", "")
        return self.admin(request)
