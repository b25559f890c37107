"""One shape for every error: {"error": a sentence that says what to do, "fields": {…}}."""

import logging
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import DisallowedHost, PermissionDenied
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework import exceptions, status
from rest_framework.settings import api_settings
from rest_framework.views import APIView
from rest_framework.views import exception_handler as rest_exception_handler

from common.api.renderers import wants_page
from common.database.errors import DATABASE_ERRORS, is_overloaded, one_line

logger = logging.getLogger(__name__)

RETRY_AFTER = "2"  # seconds
NOT_FOUND = "There is nothing here. Check the address and the id in it."
UNAUTHENTICATED = "Send a token in the header Authorization: Bearer followed by the token."
FORBIDDEN = "You may not do this. Sign in with an account that has the permission."
UNSUPPORTED = "Send JSON or a form, in UTF-8, and say which in Content-Type."
TOO_LARGE = "The body is too large. Send at most 64 KiB."
BAD_PORT = "Send a Host header whose port is a number from 1 to 65535."
NO_TLS = "Send this to an https:// address. Its body has just been sent without encryption."
CROSS_SITE = "Pages of other websites may not send this. CSRF_TRUSTED_ORIGINS lists those that may."
UNAVAILABLE = "The database is not available right now. Send the request again in a moment."
OVERLOADED = "Too many requests are waiting for the database. Send the request again in a moment."
FAULT = (
    "The service failed, and its log says why. Nothing is wrong with the request: send it later."
)


class Conflict(exceptions.ValidationError):
    """409: the request is valid, but conflicts with one that came first.

    `detail` maps the conflicting fields to messages: {"name": ["This name is taken."]}.
    """

    status_code = status.HTTP_409_CONFLICT


def exception_handler(error: Exception, context: dict[str, Any]) -> Any:
    """Return the answer to one of REST framework's exceptions, and None for any other."""
    response = rest_exception_handler(error, context)
    if response is None:
        return None
    view = context["view"]
    response.data = describe(error, view)
    if type(view).__module__ == "drf_spectacular.views":
        # The renderers of Swagger UI and of the OpenAPI document cannot render an error.
        return error_response(view.request, response.status_code, response.data["error"])
    return response


def describe(error: Exception, view: APIView) -> dict[str, Any]:
    """Return an exception's `error` sentence and, if fields are invalid, their messages."""
    if isinstance(error, exceptions.MethodNotAllowed):
        methods = ", ".join(view.allowed_methods)
        return {"error": f"{view.request.method} is not allowed here. Use one of: {methods}."}
    if isinstance(error, exceptions.UnsupportedMediaType):
        return {"error": UNSUPPORTED}
    if isinstance(error, exceptions.NotAuthenticated):
        return {"error": UNAUTHENTICATED}
    if isinstance(error, exceptions.APIException):
        return describe_detail(error.detail)
    if isinstance(error, PermissionDenied):
        return {"error": str(error) or FORBIDDEN}
    return {"error": NOT_FOUND}


def describe_detail(detail: Any) -> dict[str, Any]:
    """Return the answer for an exception's detail: a text, a list, or a dictionary of fields."""
    if isinstance(detail, list):
        return {"error": " ".join(map(first_sentence, filter(None, detail))) or first_sentence([])}
    if not isinstance(detail, dict):
        return {"error": first_sentence(detail)}
    sentences = []
    for field, messages in detail.items():
        sentence = first_sentence(messages)
        is_general = field == api_settings.NON_FIELD_ERRORS_KEY
        sentences.append(sentence if is_general else f"{field}: {sentence}")
    return {"error": " ".join(sentences), "fields": detail}


def first_sentence(messages: Any) -> str:
    """Return the first message in nested lists and dictionaries, of which some may be empty."""
    while isinstance(messages, list | dict):
        parts = messages.values() if isinstance(messages, dict) else messages
        messages = next(filter(None, parts), None)
    return str(messages or "The request is not valid.")


def error_response(request: HttpRequest, status_code: int, sentence: str) -> HttpResponse:
    """Return an error answer from outside REST framework: JSON, or an HTML page for a browser."""
    has_pages = settings.BROWSABLE_API or request.path_info.startswith("/admin")
    if has_pages and wants_page(request.headers.get("Accept", "")):
        context = {"status": status_code, "error": sentence}
        return render(request, "error.html", context, status=status_code)
    body = orjson.dumps({"error": sentence})
    return HttpResponse(body, content_type="application/json", status=status_code)


def database_error_response(request: HttpRequest, error: Exception) -> HttpResponse:
    """Return a 503 with Retry-After, and log the database's error."""
    logger.error("The database failed: %s", one_line(error))
    sentence = UNAVAILABLE if isinstance(error, DATABASE_ERRORS) else FAULT
    response = error_response(request, 503, OVERLOADED if is_overloaded(error) else sentence)
    response.headers["Retry-After"] = RETRY_AFTER
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django rejects as suspicious."""
    if isinstance(exception, DisallowedHost):
        return error_response(request, 400, "Send a Host header that ALLOWED_HOSTS contains.")
    if fault := database_error_behind(exception):
        return database_error_response(request, fault)
    return error_response(
        request, 400, "The request is malformed. Check its path, parameters and body."
    )


def database_error_behind(exception: BaseException) -> Error | None:
    """Return the database error because of which Django says that a session was deleted."""
    while context := exception.__context__:
        if isinstance(context, Error) and context.__cause__:
            return context
        exception = context
    return None


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer an admin form without a valid CSRF token."""
    return error_response(request, 403, "The form has expired. Reload its page and send it again.")


def incomplete_body(request: HttpRequest) -> HttpResponse:
    """Answer a truncated body, or one with malformed chunks."""
    return error_response(request, 400, "The body is incomplete. Send it again.")


def too_large_body(request: HttpRequest) -> HttpResponse:
    """Answer a body over BODY_LIMIT."""
    return error_response(request, 413, TOO_LARGE)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request whose account lacks a permission."""
    return error_response(request, 403, FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a path that does not exist."""
    return error_response(
        request, 404, "There is nothing here. The paths that exist are listed at /."
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an unhandled exception, which Django has logged."""
    return error_response(request, 500, "The service failed. Its log says why.")
