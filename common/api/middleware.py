"""Error answers outside the views: refused requests, and an unavailable database."""

from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import cache

from django.apps import apps
from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from psycopg2.errors import UniqueViolation

from common.api import bodies, errors

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
    if origin and any(is_origin(origin, one) for one in settings.CSRF_TRUSTED_ORIGINS):
        return False
    if request.META.get("HTTP_SEC_FETCH_SITE", "none") not in ("none", "same-origin"):
        return True
    return bool(origin) and origin != f"{request.scheme}://{request.get_host()}"


def is_origin(origin: str, pattern: str) -> bool:
    """Return whether an origin is that of a pattern, which may begin with a wildcard."""
    return fnmatchcase(origin, pattern.replace("[", "[[]"))  # the brackets of an IPv6 address


class DatabaseErrorMiddleware:
    """Turns a view's database exceptions into 503 or 409 answers."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the answer to a database exception, or None for any other.

        Values of clients are validated before they reach the database. Whatever it rejects all the
        same is a fault of ours, such as a sequence at its end, except for a name that is taken.
        """
        if is_taken(exception):
            # The admin checks uniqueness before it saves; another request saved in between.
            return errors.error_response(
                request, 409, "Another request has just saved the same value. Choose another."
            )
        if isinstance(exception, Error):
            return errors.database_error_response(request, exception)
        if is_nul(exception):
            return errors.bad_request(request, exception)
        return None


def is_nul(exception: Exception) -> bool:
    """Return whether psycopg2 was given a NUL, which only a request can contain."""
    return isinstance(exception, ValueError) and "NUL (0x00)" in str(exception)


def is_taken(exception: Exception) -> bool:
    """Return whether another row has a value that a client may choose."""
    cause = exception.__cause__
    return isinstance(cause, UniqueViolation) and cause.diag.constraint_name in unique_constraints()


@cache
def unique_constraints() -> set[str]:
    """Return the names of all models' unique constraints. That of an id, which we assign, is none.

    PostgreSQL names the constraint of a field with unique=True.
    """
    names = set()
    for meta in (model._meta for model in apps.get_models()):
        names |= {constraint.name for constraint in meta.total_unique_constraints}
        unique = (one for one in meta.local_fields if one.unique and not one.primary_key)
        names |= {f"{meta.db_table}_{field.column}_key" for field in unique}
    return names
