"""What OpenAPI says of users beside what their view and serializer do."""

from typing import Any

from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.utils import extend_schema

from common.schema import error
from users_project.users.serializers import UserSerializer
from users_project.users.views import UserViewSet

TAKEN = error(
    "The name is taken.",
    "name: This name is taken. Choose another.",
    name=["This name is taken. Choose another."],
)


@extend_schema(responses={201: UserSerializer, 409: TAKEN}, methods=["POST"])
class _Users(UserViewSet): ...


class Users(OpenApiViewExtension):
    """A name can be taken."""

    target_class = UserViewSet

    def view_replacement(self) -> Any:
        """Return the view with this answer beside the others."""
        return _Users
