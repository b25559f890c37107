"""What the views of both services have in common, and the root of each: what is here, as links."""

from typing import TypeVar

from django.db.models import Model
from rest_framework import viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

AnyModel = TypeVar("AnyModel", bound=Model)


class GenericViewSet(viewsets.GenericViewSet[AnyModel]):
    """REST framework's own, but who calls is found out when something asks for request.user.

    Nothing does here. With authenticators, permissions do so.
    """

    def perform_authentication(self, request: Request) -> None:
        """Leave it to request.user."""


class RootView(APIView):
    """What this service offers."""

    schema = None  # no part of the OpenAPI document
    name: str | None = None
    route_names: dict[str, str] = {}

    def get(self, request: Request) -> Response:
        """Return a link for each thing that is here."""
        names = {**self.route_names, "docs": "docs", "schema": "schema", "admin": "admin:index"}
        return Response({key: reverse(name, request=request) for key, name in names.items()})
