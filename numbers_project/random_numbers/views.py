"""The random number service's API."""

from rest_framework.mixins import CreateModelMixin
from rest_framework.viewsets import GenericViewSet

from common.lists import StreamedListMixin
from common.paging import AfterFilter, KeysetPagination
from numbers_project.random_numbers.filters import UserFilter
from numbers_project.random_numbers.models import GeneratedNumber
from numbers_project.random_numbers.serializers import (
    GeneratedNumberSerializer,
    SavedNumberSerializer,
)


class GeneratedNumberViewSet(CreateModelMixin, GenericViewSet[GeneratedNumber]):
    """Draw a random number for a registered user, and save it.

    It is drawn uniformly from 0 to limit, both included, from the operating system's cryptographic
    source, and is on disk before the answer is sent.
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
    filter_backends = [UserFilter, AfterFilter]
    pagination_class = SavedNumberPagination
