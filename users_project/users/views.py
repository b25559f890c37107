"""The user service's API."""

from typing import Any

from common.api.views import GenericViewSet
from common.fast.lists import StreamedListMixin
from common.fast.mixins import CreateMixin, RetrieveMixin
from users_project.users.filters import NameFilter
from users_project.users.models import User
from users_project.users.serializers import UserSerializer


class UserViewSet(CreateMixin, RetrieveMixin, StreamedListMixin, GenericViewSet[User]):
    """People who are registered.

    A name has 1 to 80 characters, counted without white space around it, and belongs to one user.
    """

    queryset = User.objects.order_by("id")
    serializer_class = UserSerializer
    filter_backends = [NameFilter]
    lookup_value_regex = "[0-9]{1,19}"

    def get_success_headers(self, data: Any) -> dict[str, str]:
        """Point to the new user."""
        return {"Location": f"{self.request.path.rstrip('/')}/{data['id']}"}
