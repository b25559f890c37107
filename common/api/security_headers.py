"""Security headers for every answer."""

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings

POLICY = "Content-Security-Policy"
SECURITY_HEADERS = {
    # Pages use only scripts, styles and requests of their own origin, and nothing inline.
    POLICY: "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'",
    "Cache-Control": "no-store",  # Static files have their own.
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def with_security_headers(application: Application) -> Application:
    """Wrap a WSGI application so that each answer has those security headers that it does not set.

    Middleware would miss answers to errors in other middleware, and takes ten times as long.
    """
    defaults = list(SECURITY_HEADERS.items())
    if settings.DEBUG:
        # Django's pages for developers have inline scripts and styles.
        defaults = [header for header in defaults if header[0] != POLICY]

    def call(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            own = dict(headers)
            missing = [header for header in defaults if header[0] not in own]
            return start_response(status, headers + missing, *exc_info)

        return application(environ, start)

    return call
