"""One shape for every error: {"error": a sentence that says what to do, "fields": {…}}."""

import logging
from typing import Any

import orjson
from django.core.exceptions import DisallowedHost, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework import exceptions, status
from rest_framework.settings import api_settings
from rest_framework.views import APIView
from rest_framework.views import exception_handler as rest_exception_handler

from common.api.renderers import wants_page
from common.database.errors import is_overloaded, one_line

logger = logging.getLogger(__name__)

RETRY_AFTER = "2"  # seconds
NOT_FOUND = "There is nothing here. Check the address and the id in it."
FORBIDDEN = "You may not do this. Sign in with an account that has the permission."
UNSUPPORTED = "Send JSON or a form, in UTF-8, and say which in Content-Type."
TOO_LARGE = "The body is too large. Send at most 64 KiB."
UNAVAILABLE = "The database is not available right now. Send the request again in a moment."


class Conflict(exceptions.ValidationError):
    """409: the request is well formed, but another one has come first.

    `detail` names the fields at fault: {"name": ["This name is taken."]}.
    """

    status_code = status.HTTP_409_CONFLICT


def exception_handler(error: Exception, context: dict[str, Any]) -> Any:
    """Give REST framework's answers the shape that all errors have."""
    response = rest_exception_handler(error, context)
    if response is None:
        return None
    view = context["view"]
    response.data = describe(error, view)
    if type(view).__module__ == "drf_spectacular.views":
        # The renderers of Swagger UI and of the OpenAPI document can show nothing else.
        return error_response(view.request, response.status_code, response.data["error"])
    return response


def describe(error: Exception, view: APIView) -> dict[str, Any]:
    """Return the answer to an exception: a sentence, and the fields at fault."""
    if isinstance(error, exceptions.MethodNotAllowed):
        methods = ", ".join(view.allowed_methods)
        return {"error": f"{view.request.method} is not allowed here. Use one of: {methods}."}
    if isinstance(error, exceptions.UnsupportedMediaType):
        return {"error": UNSUPPORTED}
    if isinstance(error, exceptions.APIException):
        return describe_detail(error.detail)
    if isinstance(error, PermissionDenied):
        return {"error": str(error) or FORBIDDEN}
    return {"error": NOT_FOUND}


def describe_detail(detail: Any) -> dict[str, Any]:
    """Return one sentence of an exception's detail: a text, a list, or a dictionary of fields."""
    if not isinstance(detail, dict):
        return {"error": first_sentence(detail)}
    sentences = []
    for field, messages in detail.items():
        sentence = first_sentence(messages)
        is_general = field == api_settings.NON_FIELD_ERRORS_KEY
        sentences.append(sentence if is_general else f"{field}: {sentence}")
    return {"error": " ".join(sentences), "fields": detail}


def first_sentence(messages: Any) -> str:
    """Return the first text in lists and dictionaries of any depth, some of which are empty."""
    while isinstance(messages, list | dict):
        parts = messages.values() if isinstance(messages, dict) else messages
        messages = next(filter(None, parts), None)
    return str(messages or "The request is not valid.")


def error_response(request: HttpRequest, status_code: int, sentence: str) -> HttpResponse:
    """Answer outside REST framework: JSON, or a page for a browser."""
    if wants_page(request.headers.get("Accept", "")):
        context = {"status": status_code, "error": sentence}
        return render(request, "error.html", context, status=status_code)
    body = orjson.dumps({"error": sentence})
    return HttpResponse(body, content_type="application/json", status=status_code)


def database_error_response(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer 503: a later request may well succeed."""
    logger.error("The database failed: %s", one_line(error))
    sentence = UNAVAILABLE
    if is_overloaded(error):
        sentence = (
            "Too many requests wait for the database right now. Send the request again in a moment."
        )
    response = error_response(request, 503, sentence)
    response.headers["Retry-After"] = RETRY_AFTER
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer requests that Django itself finds suspicious."""
    if isinstance(exception, DisallowedHost):
        return error_response(request, 400, "This service does not answer to this Host.")
    return error_response(
        request, 400, "The request is malformed. Check its path, parameters and body."
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form of the admin that came without its token."""
    return error_response(request, 403, "The form is out of date. Load its page and send it again.")


def incomplete_body(request: HttpRequest) -> HttpResponse:
    """Answer a body that was cut off, or whose chunks cannot be read."""
    return error_response(request, 400, "The body did not arrive whole. Send it again.")


def too_large_body(request: HttpRequest) -> HttpResponse:
    """Answer a body over the limit."""
    return error_response(request, 413, TOO_LARGE)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request for which the account lacks a permission."""
    return error_response(request, 403, FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a path that does not exist."""
    return error_response(
        request, 404, "There is nothing here. The paths that exist are listed at /."
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a fault of the service, which Django has logged."""
    return error_response(request, 500, "The service failed. Its log says why.")
