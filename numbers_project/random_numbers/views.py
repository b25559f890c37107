"""The random number service's API."""

from common.api.pagination import KeysetPagination
from common.api.views import GenericViewSet
from common.fast.lists import StreamedListMixin
from common.fast.mixins import CreateMixin
from numbers_project.random_numbers.filters import UserFilter
from numbers_project.random_numbers.models import GeneratedNumber
from numbers_project.random_numbers.serializers import (
    GeneratedNumberSerializer,
    SavedNumberSerializer,
)


class GeneratedNumberViewSet(CreateMixin, GenericViewSet[GeneratedNumber]):
    """Draw a random number for a registered user, or as many as count says, and save them.

    Each is drawn uniformly from 0 to limit, both included, from the operating system's
    cryptographic source, and all are on disk before the answer is sent.
    """

    queryset = GeneratedNumber.objects.all()
    serializer_class = GeneratedNumberSerializer


class SavedNumberPagination(KeysetPagination):
    """The list stands in an object."""

    key = "savedNumbers"


class SavedNumberViewSet(StreamedListMixin, GenericViewSet[GeneratedNumber]):
    """All numbers that were drawn, by ascending id."""

    queryset = GeneratedNumber.objects.select_related("user").order_by("id")
    serializer_class = SavedNumberSerializer
    filter_backends = [UserFilter]
    pagination_class = SavedNumberPagination
