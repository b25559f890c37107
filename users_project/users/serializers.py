"""Serializers of users."""

from typing import Any

from rest_framework import serializers

from common.api.errors import Conflict
from common.user_names import NameField
from users_project.users.models import User

NAME_TAKEN = "This name is taken. Choose another."


class UserSerializer(serializers.ModelSerializer[User]):
    """A user."""

    name = NameField()

    class Meta:
        model = User
        fields = ["id", "name"]

    def create(self, validated_data: dict[str, Any]) -> User:
        """Register the user; a name that is taken is a 409."""
        user = User.objects.register(**validated_data)
        if user is None:
            raise Conflict({"name": [NAME_TAKEN]})
        return user
