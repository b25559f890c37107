"""How numbers look on the wire: the keys are those of the original application."""

from typing import Any, TypedDict

from rest_framework import serializers

from common.api.fields import NameField, UTCTimeField, WholeNumberField
from common.fast.mixins import shared_serializer
from numbers_project.random_numbers.models import (
    DEFAULT_LIMIT,
    LARGEST_COUNT,
    LARGEST_LIMIT,
    GeneratedNumber,
    SavedBatch,
    UnknownUser,
)

UNKNOWN_USER = "Nobody of this name is registered. Register the user first."


class GeneratedNumberSerializer(serializers.ModelSerializer[GeneratedNumber]):
    """A number to draw, and the number that was drawn."""

    user = NameField(help_text="Name of a registered user.")
    limit = WholeNumberField(
        min_value=0,
        max_value=LARGEST_LIMIT,
        default=DEFAULT_LIMIT,
        initial=DEFAULT_LIMIT,
        help_text="The number is drawn from 0 to this, both included.",
    )
    count = WholeNumberField(
        min_value=1,
        max_value=LARGEST_COUNT,
        required=False,
        write_only=True,
        help_text="How many numbers to draw at once; all of them are saved, or none.",
    )
    randomNumber = serializers.IntegerField(source="number", read_only=True)
    createdAt = UTCTimeField(source="created_at", read_only=True)

    class Meta:
        model = GeneratedNumber
        fields = ["id", "user", "limit", "count", "randomNumber", "createdAt"]

    def create(self, validated_data: dict[str, Any]) -> Any:
        """Draw and save one number, or as many as are asked for."""
        name, limit = validated_data["user"], validated_data["limit"]
        try:
            if "count" in validated_data:
                return GeneratedNumber.objects.generate_many(name, limit, validated_data["count"])
            return GeneratedNumber.objects.generate(name, limit)
        except UnknownUser as error:
            raise serializers.ValidationError({"user": [UNKNOWN_USER]}) from error

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Return what was drawn: one number, or a batch of them."""
        if isinstance(instance, SavedBatch):
            return shared_serializer(BatchSerializer).to_representation(instance)
        return super().to_representation(instance)


class BatchNumber(TypedDict):
    """One of the numbers that were drawn at once."""

    id: int
    randomNumber: int


class BatchSerializer(serializers.Serializer[SavedBatch]):
    """Numbers that were drawn at once."""

    user = serializers.CharField()
    limit = serializers.IntegerField()
    createdAt = UTCTimeField(source="created_at")
    randomNumbers = serializers.SerializerMethodField()

    def get_randomNumbers(self, batch: SavedBatch) -> list[BatchNumber]:
        """The numbers, each with its id."""
        # A serializer for each would take longer than drawing them.
        pairs = zip(batch.ids, batch.numbers, strict=True)
        return [{"id": pk, "randomNumber": number} for pk, number in pairs]


class SavedNumberSerializer(serializers.ModelSerializer[GeneratedNumber]):
    """A number in the list of those that were drawn; username is null where the user has gone."""

    username = serializers.CharField(source="user.name", read_only=True, allow_null=True)
    createdAt = UTCTimeField(source="created_at", read_only=True)

    class Meta:
        model = GeneratedNumber
        fields = ["id", "username", "number", "limit", "createdAt"]
