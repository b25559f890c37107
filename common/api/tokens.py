"""Bearer tokens: JSON Web Tokens that an OpenID provider issues (RFC 6750, RFC 9068).

AUTH_JWKS_URL or AUTH_JWKS_FILE switches them on. A view declares `scope = "users"`: then a token
needs the scope `users:read` to read, and `users:write` for anything else.
"""

from functools import cache
from typing import Any
from unicodedata import normalize
from urllib.parse import urlsplit

import jwt
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from rest_framework import status
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import (
    APIException,
    AuthenticationFailed,
    NotAuthenticated,
    PermissionDenied,
)
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from common.api.environ import USER
from common.api.key_set import FileKeySet, KeySet

LONGEST_SUBJECT = 255  # characters, as in OpenID Connect; it is logged, and part of keys
LARGEST_TOKEN = 8192  # bytes
LOOPBACK = ("localhost", "127.0.0.1", "::1")
LEEWAY = 30  # seconds that the issuer's clock and ours may differ
REQUIRED = ["exp", "iss", "aud", "sub"]
CHALLENGE = 'Bearer realm="api"'
INVALID = "The token is not valid: {}. Get a new one."


class Subject:
    """The client that a token was issued to; it is `request.user`."""

    is_authenticated = True
    is_active = True
    is_staff = False

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return self.name


class InsufficientScope(PermissionDenied):
    """403: the token lacks a scope."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"The token lacks the scope {scope}. Get one that has it.")
        self.auth_header = f'{CHALLENGE}, error="insufficient_scope", scope="{scope}"'


class OtherUser(PermissionDenied):
    """403: the token is for another user."""

    default_detail = "The token is for another user. Use that user's own token."
    auth_header = f'{CHALLENGE}, error="insufficient_scope"'


class NoKeys(APIException):
    """503: the issuer's keys have not been fetched yet."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The keys for tokens cannot be fetched right now. Send the request again."
    wait = 2  # Retry-After, in seconds


class TokenAuthentication(BaseAuthentication):
    """Authenticates a request by its bearer token; `request.auth` has the token's claims."""

    def authenticate(self, request: Request) -> tuple[Subject, dict[str, Any]] | None:
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise NotAuthenticated()  # errors.py says what to send
        try:
            claims = verify(token.strip())
        except (jwt.InvalidTokenError, RecursionError) as error:
            raise AuthenticationFailed(INVALID.format(error)) from error
        request.META[USER] = claims["sub"]
        return Subject(claims["sub"]), claims

    def authenticate_header(self, request: Request) -> str:
        """Return WWW-Authenticate, which says more if a token was sent."""
        sent = "HTTP_AUTHORIZATION" in request.META
        return f'{CHALLENGE}, error="invalid_token"' if sent else CHALLENGE


class HasScope(BasePermission):
    """Requires the scope of the view for the request's method."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.auth is None:
            return False
        scope = f"{view.scope}:{'read' if request.method in SAFE_METHODS else 'write'}"
        claims: Any = request.auth
        if scope not in scopes(claims):
            raise InsufficientScope(scope)
        return True


def verify(token: str) -> dict[str, Any]:
    """Return a token's claims; raise jwt.InvalidTokenError if they cannot be trusted."""
    if len(token) > LARGEST_TOKEN:
        raise jwt.InvalidTokenError("it is too long")
    key_id = jwt.get_unverified_header(token).get("kid")
    if not isinstance(key_id, str):
        raise jwt.InvalidTokenError("its header has no key id")
    key = key_set().find(key_id)
    if not key_set().keys:
        raise NoKeys()
    if key is None:
        raise jwt.InvalidTokenError("its key is unknown")
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        # Only that of the key, whatever the token says.
        algorithms=[key.algorithm_name],
        issuer=settings.AUTH_ISSUER,
        audience=settings.AUTH_AUDIENCE,
        leeway=LEEWAY,
        options={"require": REQUIRED},
    )
    if not claims["sub"].isprintable() or len(claims["sub"]) > LONGEST_SUBJECT:
        raise jwt.InvalidTokenError("its subject is too long or has control characters")
    return claims


def require_settings() -> None:
    """Raise ImproperlyConfigured if the keys cannot be used, or may come from somebody else."""
    url = urlsplit(settings.AUTH_JWKS_URL)
    if settings.AUTH_JWKS_URL and url.scheme != "https" and url.hostname not in LOOPBACK:
        raise ImproperlyConfigured(
            f"AUTH_JWKS_URL={settings.AUTH_JWKS_URL!r} does not begin with https://. Over plain"
            " HTTP, anybody on the way could put in keys of their own."
        )
    try:
        key_set()
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(
            f"AUTH_JWKS_FILE={settings.AUTH_JWKS_FILE!r} cannot be used: {error}"
        ) from error


@cache
def key_set() -> KeySet | FileKeySet:
    """Return the issuer's keys, which this process shares."""
    if settings.AUTH_JWKS_URL:
        return KeySet(settings.AUTH_JWKS_URL)
    return FileKeySet(settings.AUTH_JWKS_FILE)


def scopes(claims: dict[str, Any]) -> list[Any]:
    """Return the scopes of a token: a text of words, or a list of them."""
    scope = claims.get("scope")
    if isinstance(scope, str):
        return scope.split()
    return scope if isinstance(scope, list) else []


def require_own_name(request: Request, name: str) -> None:
    """Raise a 403 if the token's claim AUTH_USER_CLAIM is another name."""
    claims: Any = request.auth
    if not is_same(claims.get(settings.AUTH_USER_CLAIM), name):
        raise OtherUser()


def is_same(claim: Any, name: str) -> bool:
    """Return whether a claim is a name, in whichever of Unicode's forms an "é" is written."""
    return isinstance(claim, str) and normalize("NFC", claim) == normalize("NFC", name)
