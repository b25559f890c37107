"""One shape for every error: {"error": a sentence that tells what to do, "fields": {…}}."""

import logging
from typing import Any

import orjson
from django.core.exceptions import DisallowedHost
from django.db import InterfaceError, InternalError, OperationalError, ProgrammingError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework import exceptions
from rest_framework.settings import api_settings
from rest_framework.views import APIView
from rest_framework.views import exception_handler as rest_exception_handler

from common.api.renderers import wants_page
from common.database.pool import Busy

logger = logging.getLogger(__name__)

# What psycopg2 raises when PostgreSQL is away, is too slow, has become read-only, or lacks a
# table or a grant: the request may be fine, and a later one may succeed.
DATABASE_ERRORS = (OperationalError, InterfaceError, InternalError, ProgrammingError)
RETRY_AFTER = "2"  # seconds


def exception_handler(error: Exception, context: dict[str, Any]) -> Any:
    """Give REST framework's answers the shape that all errors have."""
    response = rest_exception_handler(error, context)
    if response is None:
        return None
    view = context["view"]
    if isinstance(error, exceptions.ValidationError):
        response.data = describe_invalid(error.detail)
    elif view.renderer_classes != api_settings.DEFAULT_RENDERER_CLASSES:
        # Swagger UI and the document have renderers that can show nothing else.
        return error_response(view.request, response.status_code, describe(error, view))
    else:
        response.data = {"error": describe(error, view)}
    return response


def describe(error: Exception, view: APIView) -> str:
    """Return a sentence that tells what to do."""
    if isinstance(error, exceptions.MethodNotAllowed):
        methods = ", ".join(view.allowed_methods)
        return f"{view.request.method} is not allowed here. Use one of: {methods}."
    if isinstance(error, exceptions.UnsupportedMediaType):
        return "Send JSON or a form, in UTF-8, and say which in Content-Type."
    if isinstance(error, exceptions.APIException):
        return str(error.detail)
    return "There is nothing here. Check the address and the id in it."


def describe_invalid(detail: Any) -> dict[str, Any]:
    """Turn REST framework's messages for each field into a sentence and the fields at fault."""
    sentences = [f"{field}: {messages[0]}" for field, messages in detail.items()]
    return {"error": " ".join(sentences), "fields": detail}


def error_response(request: HttpRequest, status_code: int, sentence: str) -> HttpResponse:
    """Answer outside REST framework: JSON, or a page for a browser."""
    if wants_page(request.headers.get("Accept", "")):
        context = {"status": status_code, "error": sentence}
        return render(request, "error.html", context, status=status_code)
    body = orjson.dumps({"error": sentence})
    return HttpResponse(body, content_type="application/json", status=status_code)


def database_error_response(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer 503: a later request may well succeed."""
    logger.error("The database failed: %s", " ".join(str(error).split()))
    is_busy = isinstance(error.__cause__, Busy)
    reason = (
        "Too many requests wait for the database" if is_busy else "The database is not available"
    )
    response = error_response(
        request, 503, f"{reason} right now. Send the request again in a moment."
    )
    response.headers["Retry-After"] = RETRY_AFTER
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django itself finds suspicious."""
    if isinstance(exception, DisallowedHost):
        return error_response(request, 400, "This service does not answer to this Host.")
    return error_response(
        request, 400, "The request is malformed. Check its path, parameters and body."
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form of the admin that came without its token."""
    return error_response(request, 403, "The form is out of date. Load its page and send it again.")


def incomplete(request: HttpRequest) -> HttpResponse:
    """Answer a body that was cut off, or came in chunks that are none."""
    return error_response(request, 400, "The body did not arrive whole. Send it again.")


def too_large(request: HttpRequest) -> HttpResponse:
    """Answer a body that is longer than any that the services take."""
    return error_response(request, 413, "The body is too large. Send at most 64 KiB.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what the signed-in person may not do."""
    return error_response(request, 403, "You may not do this. Sign in as somebody who may.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a path that nothing serves."""
    return error_response(
        request, 404, "There is nothing here. The paths that exist are listed at /."
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a fault of ours, which Django has logged."""
    return error_response(request, 500, "The service failed. Its log tells why.")
