"""Additions to the OpenAPI document that the view and serializer of users cannot express."""

from typing import Any

from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.utils import extend_schema, extend_schema_view

from common.api.openapi import REPEATED_KEYS, error
from users_project.users.serializers import NAME_TAKEN, UserSerializer
from users_project.users.views import UserViewSet

REGISTER = """
A name is taken once, so a request may be repeated safely: it registers the user or is a 409.

If you lost the answer, `GET /users?name=…` returns the user with its id, or an empty list. It
cannot say who registered it. To recognize your own success, put something into the name that nobody
else knows, such as a UUID.
"""
TAKEN = error("The name is taken.", f"name: {NAME_TAKEN}", name=[NAME_TAKEN])


@extend_schema_view(
    list=extend_schema(summary="List users"),
    create=extend_schema(
        summary="Register a user",
        description=f"{REGISTER}\n{REPEATED_KEYS}",
        responses={201: UserSerializer, 409: TAKEN},
    ),
    retrieve=extend_schema(summary="Show a user"),
)
class _Users(UserViewSet): ...


class Users(OpenApiViewExtension):
    """Adds a summary of each operation, and the 409."""

    target_class = UserViewSet

    def view_replacement(self) -> Any:
        """Return the view with these additions."""
        return _Users
