"""The root of a service, which links to its endpoints; and views that are imported on demand."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api.forwarded import is_outside

View = Callable[[HttpRequest], HttpResponseBase]


def on_demand(name: str) -> View:
    """Return a view by its dotted name; the first request imports its module."""
    return csrf_exempt(lambda request: import_string(name)(request))


class RootView(APIView):
    """The endpoints of this service."""

    schema = None  # not part of the OpenAPI document
    authentication_classes = ()  # public, also where tokens are required
    permission_classes = ()
    name: str | None = None
    route_names: dict[str, str] = {}

    def get(self, request: Request) -> Response:
        """Return a link to each endpoint."""
        names = {**self.route_names, "docs": "docs", "schema": "schema"}
        if not is_outside(request):
            names["admin"] = "admin:index"
        # Not REST framework's reverse: it may add a `format` argument, which not all routes accept.
        links = {key: request.build_absolute_uri(reverse(name)) for key, name in names.items()}
        return Response(links)
