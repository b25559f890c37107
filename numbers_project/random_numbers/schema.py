"""Additions to the OpenAPI document that the views and serializers of numbers cannot express."""

from typing import Any

from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.utils import OpenApiExample, PolymorphicProxySerializer, extend_schema

from common.api.openapi import error
from numbers_project.random_numbers.serializers import (
    UNKNOWN_USER,
    BatchSerializer,
    GeneratedNumberSerializer,
)
from numbers_project.random_numbers.views import GeneratedNumberViewSet

DRAWN = PolymorphicProxySerializer(
    component_name="Drawn",
    serializers=[GeneratedNumberSerializer, BatchSerializer],
    resource_type_field_name=None,
)
REFUSED = error(
    "The body is not a JSON object, a field is invalid, or the user is not registered.",
    f"user: {UNKNOWN_USER}",
    user=[UNKNOWN_USER],
)
ONE = {"user": "ankur", "limit": 6}
EXAMPLES = [
    OpenApiExample("One number", value=ONE, request_only=True),
    OpenApiExample("Three at once", value={**ONE, "count": 3}, request_only=True),
]


@extend_schema(responses={201: DRAWN, 400: REFUSED}, examples=EXAMPLES, methods=["POST"])
class _GeneratedNumbers(GeneratedNumberViewSet): ...


class GeneratedNumbers(OpenApiViewExtension):
    """Adds the two possible answers, one number or a batch, and examples."""

    target_class = GeneratedNumberViewSet

    def view_replacement(self) -> Any:
        """Return the view with both answers."""
        return _GeneratedNumbers
