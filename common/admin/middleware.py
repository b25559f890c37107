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
from rest_framework.exceptions import Throttled

from common.api.environ import USER
from common.api.errors import error_response, not_found
from common.api.forwarded import is_outside

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
        path = request.path_info
        if not path.startswith("/admin/") and path != "/admin":
            return self.get_response(request)
        if is_outside(request):
            return not_found(request)
        # In a cookie a backslash escapes characters, such as NUL. None of ours has one.
        request.META["HTTP_COOKIE"] = request.META.get("HTTP_COOKIE", "").replace("\\", "")
        response = self.admin(request)
        account = getattr(request, "_cached_user", None)  # where Django keeps it, if it was needed
        if account and account.is_authenticated:
            request.META[USER] = account.pk
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer that an account or an address has to wait before it may try to sign in again."""
        if not isinstance(exception, Throttled):
            return None
        wait: int = exception.wait  # type: ignore[attr-defined]
        sentence = f"Too many attempts to sign in. Try again in {wait} seconds."
        response = error_response(request, 429, sentence)
        response.headers["Retry-After"] = str(wait)
        return response
