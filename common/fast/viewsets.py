"""REST framework's GenericViewSet, which does and keeps less for each request.

An answer does not wait for the garbage collection, which under load took 5 % of the processor, and
without authenticators nothing looks for an account, which is 3 % of a POST.
"""

from typing import Any, TypeVar

from django.db.models import Model
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework import viewsets
from rest_framework.request import Request

AnyModel = TypeVar("AnyModel", bound=Model)


class GenericViewSet(viewsets.GenericViewSet[AnyModel]):
    """REST framework's own, in less time."""

    def perform_authentication(self, request: Request) -> None:
        """Authenticate, where there is an authenticator; an anonymous account is made on demand."""
        if request.authenticators:
            super().perform_authentication(request)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer, and forget the answer: a view and its request refer to each other."""
        response = super().dispatch(request, *args, **kwargs)
        del self.response
        return response
