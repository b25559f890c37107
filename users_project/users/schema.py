"""What OpenAPI says of users beside what their view and serializer do."""

from typing import Any

from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.utils import extend_schema, extend_schema_view

from common.api.openapi import error
from users_project.users.serializers import UserSerializer
from users_project.users.views import UserViewSet

TAKEN = error(
    "The name is taken.",
    "name: This name is taken. Choose another.",
    name=["This name is taken. Choose another."],
)


@extend_schema_view(
    list=extend_schema(summary="List users"),
    create=extend_schema(summary="Register a user", responses={201: UserSerializer, 409: TAKEN}),
    retrieve=extend_schema(summary="Show a user"),
)
class _Users(UserViewSet): ...


class Users(OpenApiViewExtension):
    """What each call does; and a name can be taken."""

    target_class = UserViewSet

    def view_replacement(self) -> Any:
        """Return the view with that beside what it says itself."""
        return _Users
