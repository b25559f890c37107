"""Serializers of numbers. The keys are those of the original application."""

from typing import Any, TypedDict

from django.conf import settings
from rest_framework import serializers

from common.api.fields import StrictIntegerField, UTCDateTimeField
from common.user_names import KnownNameField
from numbers_project.random_numbers.models import (
    DEFAULT_LIMIT,
    LARGEST_LIMIT,
    GeneratedNumber,
    User,
)
from numbers_project.random_numbers.queries import SavedBatch

UNKNOWN_USER = "No user with this name is registered. Register the user first."


class GeneratedNumberSerializer(serializers.ModelSerializer[GeneratedNumber]):
    """A number to draw, and the number that was drawn."""

    user = KnownNameField(help_text="Name of a registered user.")
    limit = StrictIntegerField(
        min_value=0,
        max_value=LARGEST_LIMIT,
        default=DEFAULT_LIMIT,
        initial=DEFAULT_LIMIT,
        help_text="The number is drawn from 0 to this limit, inclusive.",
    )
    count = StrictIntegerField(
        min_value=1,
        max_value=settings.MAX_COUNT,
        required=False,
        write_only=True,
        help_text="How many numbers to draw at once. Either all of them are saved or none.",
    )
    randomNumber = serializers.IntegerField(source="number", read_only=True)
    createdAt = UTCDateTimeField(source="created_at", read_only=True)

    class Meta:
        model = GeneratedNumber
        fields = ["id", "user", "limit", "count", "randomNumber", "createdAt"]

    def validate_user(self, name: str) -> str:
        """Return the name as it is stored; refuse another's, where tokens are for one user each."""
        name = User.objects.stored_name(name)
        if settings.AUTH_USER_CLAIM:
            # Here, so that PyJWT is needed only where tokens are on.
            from common.api.tokens import require_own_name

            require_own_name(self.context["request"], name)
        return name

    def create(self, validated_data: dict[str, Any]) -> Any:
        """Draw and save one number, or `count` numbers if it is given."""
        if "count" in validated_data:
            saved: Any = GeneratedNumber.objects.generate_many(**validated_data)
        else:
            saved = GeneratedNumber.objects.generate(**validated_data)
        if saved is None:
            raise serializers.ValidationError({"user": [UNKNOWN_USER]})
        return saved

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Return the answer for one number or for a batch."""
        if isinstance(instance, SavedBatch):
            return BATCH.to_representation(instance)
        return super().to_representation(instance)


class BatchNumber(TypedDict):
    """A number of a batch."""

    id: int
    randomNumber: int


class BatchSerializer(serializers.Serializer[SavedBatch]):
    """Numbers that were drawn together."""

    user = serializers.CharField()
    limit = serializers.IntegerField()
    createdAt = UTCDateTimeField(source="created_at")
    randomNumbers = serializers.SerializerMethodField()

    def get_randomNumbers(self, batch: SavedBatch) -> list[BatchNumber]:
        """Return the numbers, each with its id."""
        # A serializer for each number would take longer than drawing it.
        pairs = zip(batch.ids, batch.numbers, strict=True)
        return [{"id": pk, "randomNumber": number} for pk, number in pairs]


BATCH = BatchSerializer()  # Creating one for each request would take longer than using it.


class SavedNumberSerializer(serializers.ModelSerializer[GeneratedNumber]):
    """A saved number in the list. `username` is null if the user has been deleted."""

    username = serializers.CharField(source="user.name", read_only=True, allow_null=True)
    createdAt = UTCDateTimeField(source="created_at", read_only=True)

    class Meta:
        model = GeneratedNumber
        fields = ["id", "username", "number", "limit", "createdAt"]
