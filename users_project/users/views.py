"""The user service's API."""

from typing import Any

from common.fast import mixins, viewsets
from users_project.users.filters import NameFilter
from users_project.users.models import User
from users_project.users.serializers import UserSerializer


class UserViewSet(
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.ListModelMixin,
    viewsets.GenericViewSet[User],
):
    """Registered users.

    A name is unique and has 1 to 80 visible characters, not counting surrounding white space. It is
    kept in Unicode's form NFC, so the two ways to write an "é" are one name.
    """

    scope = "users"
    queryset = User.objects.order_by("id")
    serializer_class = UserSerializer
    filter_backends = [NameFilter]
    lookup_value_regex = "[0-9]{1,19}"
    coalesce = True  # All clients see the same users.

    def get_success_headers(self, data: Any) -> dict[str, str]:
        """Return the Location of the new user."""
        return {"Location": f"{self.request.path.rstrip('/')}/{data['id']}"}
