"""Additions to the OpenAPI document that the view and serializer of users cannot express."""

from typing import Any

from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.utils import extend_schema, extend_schema_view

from common.api.openapi import error
from users_project.users.serializers import NAME_TAKEN, UserSerializer
from users_project.users.views import UserViewSet

TAKEN = error("The name is taken.", f"name: {NAME_TAKEN}", name=[NAME_TAKEN])


@extend_schema_view(
    list=extend_schema(summary="List users"),
    create=extend_schema(summary="Register a user", responses={201: UserSerializer, 409: TAKEN}),
    retrieve=extend_schema(summary="Show a user"),
)
class _Users(UserViewSet): ...


class Users(OpenApiViewExtension):
    """Adds a summary of each operation, and the 409."""

    target_class = UserViewSet

    def view_replacement(self) -> Any:
        """Return the view with these additions."""
        return _Users
