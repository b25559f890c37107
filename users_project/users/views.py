"""The user service's API."""

from typing import Any

from drf_spectacular.utils import extend_schema

from common import schema
from common.lists import StreamedListMixin
from common.mixins import CreateMixin, RetrieveMixin
from common.views import GenericViewSet
from users_project.users.filters import NameFilter
from users_project.users.models import User
from users_project.users.serializers import UserSerializer

TAKEN = schema.error(
    "The name is taken.",
    "name: This name is taken. Choose another.",
    name=["This name is taken. Choose another."],
)


@extend_schema(responses={201: UserSerializer, 409: TAKEN}, methods=["POST"])
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
