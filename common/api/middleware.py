"""Error answers outside the views: refused requests, and an unavailable database."""

from collections.abc import Callable
from fnmatch import fnmatchcase

from django.conf import settings
from django.db import DataError
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from psycopg2.errors import UniqueViolation

from common.api import bodies, errors
from common.database.errors import DATABASE_ERRORS

GetResponse = Callable[[HttpRequest], HttpResponse]
SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")


class RefusalMiddleware:
    """Refuses requests that no view may see.

    They have an unreadable body or an impossible port, came without TLS where it is required, or
    were made by another website in its visitor's browser.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return refusal(request) or self.get_response(request)


def refusal(request: HttpRequest) -> HttpResponse | None:
    """Return the answer to a request that must be refused, or redirected to https."""
    if error := request.META.get(bodies.ERROR):
        is_large = error == bodies.TOO_LARGE
        return errors.too_large_body(request) if is_large else errors.incomplete_body(request)
    if not has_possible_port(request.META.get("HTTP_HOST", "")):
        return errors.error_response(request, 400, errors.BAD_PORT)
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        if request.method in ("GET", "HEAD"):
            address = f"https://{request.get_host()}{request.get_full_path()}"
            return HttpResponsePermanentRedirect(address)
        # A redirect would make the client send its body in the clear again and again.
        return errors.error_response(request, 403, errors.NO_TLS)
    if request.method not in SAFE_METHODS and is_cross_site(request):
        return errors.error_response(request, 403, errors.CROSS_SITE)
    return None


def has_possible_port(host: str) -> bool:
    """Return whether a Host header has no port, or one from 1 to 65535; Django accepts any."""
    port = host.rpartition(":")[2]
    return not port.isdecimal() or 0 < int(port[:6]) < 65536


def is_cross_site(request: HttpRequest) -> bool:
    """Return whether another site's page made a browser send the request.

    Browsers add both headers to each POST, and scripts can forge neither; programs send none.
    """
    origin = request.META.get("HTTP_ORIGIN")
    if origin and any(fnmatchcase(origin, one) for one in settings.CSRF_TRUSTED_ORIGINS):
        return False
    if request.META.get("HTTP_SEC_FETCH_SITE", "none") not in ("none", "same-origin"):
        return True
    return bool(origin) and origin != f"{request.scheme}://{request.get_host()}"


class DatabaseErrorMiddleware:
    """Turns a view's database exceptions into 503, 400 or 409 answers."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the answer to a database exception, or None for any other."""
        if isinstance(exception, DATABASE_ERRORS):
            return errors.database_error_response(request, exception)
        if isinstance(exception, DataError):
            return errors.bad_request(request, exception)
        if isinstance(exception.__cause__, UniqueViolation):
            # The admin checks uniqueness before it saves; another request saved in between.
            return errors.error_response(
                request, 409, "Another request has just saved the same value. Choose another."
            )
        return None
