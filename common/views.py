"""The root of each service: what is here, as links."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView


class RootView(APIView):
    """What this service offers."""

    schema = None  # no part of the OpenAPI document
    name: str | None = None
    route_names: dict[str, str] = {}

    def get(self, request: Request) -> Response:
        """Return a link for each thing that is here."""
        names = {**self.route_names, "docs": "docs", "schema": "schema", "admin": "admin:index"}
        return Response({key: reverse(name, request=request) for key, name in names.items()})
