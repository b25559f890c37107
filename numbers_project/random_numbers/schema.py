"""Additions to the OpenAPI document that the views and serializers of numbers cannot express."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    PolymorphicProxySerializer,
    extend_schema,
)
from rest_framework import serializers

from common.api.openapi import error
from numbers_project.random_numbers import commitments
from numbers_project.random_numbers.idempotency import HEADER, REPLAYED, InProgress, KeyReused
from numbers_project.random_numbers.serializers import (
    UNKNOWN_USER,
    BatchSerializer,
    GeneratedNumberSerializer,
)
from numbers_project.random_numbers.views import GeneratedNumberViewSet


class ProofSerializer(serializers.Serializer[Any]):
    """Makes an answer a receipt, which /verify.py checks when the day has ended."""

    version = serializers.CharField(help_text=commitments.VERSION)
    day = serializers.DateField()
    commitment = serializers.CharField(help_text="The SHA-256 of the day's key, hexadecimal.")


class GeneratedNumberReceiptSerializer(GeneratedNumberSerializer):
    """A number that was drawn with an Idempotency-Key."""

    proof = ProofSerializer(read_only=True)

    class Meta(GeneratedNumberSerializer.Meta):
        fields = [*GeneratedNumberSerializer.Meta.fields, "proof"]


class BatchReceiptSerializer(BatchSerializer):
    """Numbers that were drawn with an Idempotency-Key."""

    proof = ProofSerializer()


RECEIPTS: list[Any] = [GeneratedNumberReceiptSerializer, BatchReceiptSerializer]
if not settings.DRAW_SECRET:
    RECEIPTS = []
DRAWN = PolymorphicProxySerializer(
    component_name="Drawn",
    serializers=[
        GeneratedNumberSerializer,
        BatchSerializer,
        *RECEIPTS,
    ],
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
KEY = OpenApiParameter(
    HEADER,
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="Makes the request safe to repeat: for a day, a request with the same key gets the"
    " first answer again, and draws nothing. Only a 201 is kept.",
)
KEY_RETURNED = OpenApiParameter(
    "Idempotent-Replayed",
    {"type": "string", "enum": [*REPLAYED.values()]},
    OpenApiParameter.HEADER,
    description="The answer to an earlier request with the same key.",
    response=[201],
)
RESPONSES = {
    201: DRAWN,
    400: REFUSED,
    409: error(
        "The first request with this key is in progress; see Retry-After.",
        InProgress.default_detail,
    ),
    422: error("The key was used for another user, limit or count.", KeyReused.default_detail),
}


@extend_schema(
    parameters=[KEY, KEY_RETURNED], responses=RESPONSES, examples=EXAMPLES, methods=["POST"]
)
class _GeneratedNumbers(GeneratedNumberViewSet): ...


class GeneratedNumbers(OpenApiViewExtension):
    """Adds the two possible answers, one number or a batch, and examples."""

    target_class = GeneratedNumberViewSet

    def view_replacement(self) -> Any:
        """Return the view with both answers."""
        return _GeneratedNumbers
