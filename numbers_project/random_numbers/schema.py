"""What OpenAPI says of numbers beside what their views and serializers do."""

from typing import Any

from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema

from numbers_project.random_numbers.serializers import BatchSerializer, GeneratedNumberSerializer
from numbers_project.random_numbers.views import GeneratedNumberViewSet

DRAWN = PolymorphicProxySerializer(
    component_name="Drawn",
    serializers=[GeneratedNumberSerializer, BatchSerializer],
    resource_type_field_name=None,
)


@extend_schema(responses={201: DRAWN}, methods=["POST"])
class _GeneratedNumbers(GeneratedNumberViewSet): ...


class GeneratedNumbers(OpenApiViewExtension):
    """A number is answered, or a batch of them."""

    target_class = GeneratedNumberViewSet

    def view_replacement(self) -> Any:
        """Return the view with both answers."""
        return _GeneratedNumbers
