"""REST framework's GenericViewSet, with less work and garbage for each request.

An answer is freed at once, not by the garbage collector, which took 5 % of the CPU under load; and
skipping authentication if there are no authenticators saves 3 % of a POST.
"""

from typing import Any, TypeVar

from django.db.models import Model
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework import viewsets
from rest_framework.request import Request

AnyModel = TypeVar("AnyModel", bound=Model)


class GenericViewSet(viewsets.GenericViewSet[AnyModel]):
    """REST framework's GenericViewSet, faster."""

    def perform_authentication(self, request: Request) -> None:
        """Authenticate if there is an authenticator; else `request.user` is created on demand."""
        if request.authenticators:
            super().perform_authentication(request)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return the answer, and drop it from the reference cycle of the view and its request."""
        response = super().dispatch(request, *args, **kwargs)
        del self.response
        return response
