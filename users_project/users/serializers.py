"""How users look on the wire."""

from typing import Any

from rest_framework import serializers, status

from common.api.fields import NameField
from users_project.users.models import NameTaken, User


class NameConflict(serializers.ValidationError):
    """A name that is taken is 409: the request is well formed, and may succeed another day."""

    status_code = status.HTTP_409_CONFLICT


class UserSerializer(serializers.ModelSerializer[User]):
    """A user."""

    name = NameField()

    class Meta:
        model = User
        fields = ["id", "name"]

    def create(self, validated_data: dict[str, Any]) -> User:
        """Register the user; a name that is taken is a 409."""
        try:
            return User.objects.register(**validated_data)
        except NameTaken as error:
            raise NameConflict({"name": ["This name is taken. Choose another."]}) from error
