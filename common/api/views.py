"""What the views of both services have in common, and the root of each: what is here, as links."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from django.db.models import Model
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt
from rest_framework import viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api.filters import ParameterFilter

AnyModel = TypeVar("AnyModel", bound=Model)
View = Callable[[HttpRequest], HttpResponseBase]


def on_demand(name: str) -> View:
    """Return a view whose module is imported when it is first asked for.

    It spares the processes that nobody asks for it the memory.
    """
    return csrf_exempt(lambda request: import_string(name)(request))


class GenericViewSet(viewsets.GenericViewSet[AnyModel]):
    """REST framework's own, which here does and keeps less for each request."""

    @classmethod
    @cache
    def is_for_all(cls) -> bool:
        """Return whether all see the same rows, apart from what their query parameters select.

        Only then do requests share statements. Otherwise what a view overrides is asked each time.
        """
        hooks = ("get_queryset", "get_object", "get_serializer_class", "filter_queryset")
        return all(
            getattr(cls, hook) is getattr(viewsets.GenericViewSet, hook) for hook in hooks
        ) and all(issubclass(backend, ParameterFilter) for backend in cls.filter_backends)

    def perform_authentication(self, request: Request) -> None:
        """Leave it to request.user, which nothing asks for; with authenticators, permissions do."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer, and forget the answer.

        A view and its request refer to each other, so they wait for the garbage collection, and
        hundreds of answers would with them.
        """
        response = super().dispatch(request, *args, **kwargs)
        del self.response
        return response


class RootView(APIView):
    """What this service offers."""

    schema = None  # no part of the OpenAPI document
    name: str | None = None
    route_names: dict[str, str] = {}

    def get(self, request: Request) -> Response:
        """Return a link for each thing that is here."""
        names = {**self.route_names, "docs": "docs", "schema": "schema", "admin": "admin:index"}
        # Django's own reverse: REST framework's would pass on a `format` that not all know.
        links = {key: request.build_absolute_uri(reverse(name)) for key, name in names.items()}
        return Response(links)
