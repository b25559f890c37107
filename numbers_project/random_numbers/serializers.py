"""How numbers look on the wire: the keys are those of the original application."""

from typing import Any

from rest_framework import serializers

from common.fields import TextField, WholeNumberField
from numbers_project.random_numbers.models import (
    DEFAULT_LIMIT,
    LARGEST_LIMIT,
    GeneratedNumber,
    UnknownUser,
)


class GeneratedNumberSerializer(serializers.ModelSerializer[GeneratedNumber]):
    """A number to draw, and the number that was drawn."""

    user = TextField(source="user.name", max_length=80, help_text="Name of a registered user.")
    limit = WholeNumberField(
        min_value=0,
        max_value=LARGEST_LIMIT,
        default=DEFAULT_LIMIT,
        initial=DEFAULT_LIMIT,
        help_text="The number is drawn from 0 to this, both included.",
    )
    randomNumber = serializers.IntegerField(source="number", read_only=True)
    createdAt = serializers.DateTimeField(source="created_at", read_only=True)

    class Meta:
        model = GeneratedNumber
        fields = ["id", "user", "limit", "randomNumber", "createdAt"]

    def create(self, validated_data: dict[str, Any]) -> GeneratedNumber:
        """Draw and save the number."""
        name, limit = validated_data["user"]["name"], validated_data["limit"]
        try:
            return GeneratedNumber.objects.generate(name, limit)
        except UnknownUser as error:
            sentence = "Nobody of this name is registered. Register the user first."
            raise serializers.ValidationError({"user": [sentence]}) from error


class SavedNumberSerializer(serializers.ModelSerializer[GeneratedNumber]):
    """A number in the list of those that were drawn; username is null where the user has gone."""

    username = serializers.CharField(source="user.name", read_only=True, allow_null=True)
    createdAt = serializers.DateTimeField(source="created_at", read_only=True)

    class Meta:
        model = GeneratedNumber
        fields = ["id", "username", "number", "limit", "createdAt"]
