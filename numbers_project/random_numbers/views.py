"""The random number service's API."""

from common.api.pagination import KeysetPagination
from common.fast import mixins, viewsets
from numbers_project.random_numbers.filters import UserFilter
from numbers_project.random_numbers.models import GeneratedNumber
from numbers_project.random_numbers.serializers import (
    GeneratedNumberSerializer,
    SavedNumberSerializer,
)


class GeneratedNumberViewSet(mixins.CreateModelMixin, viewsets.GenericViewSet[GeneratedNumber]):
    """Draw a random number for a registered user, or `count` numbers, and save them.

    Each is drawn uniformly from 0 to `limit`, inclusive, from the operating system's cryptographic
    source. All of them are on disk before the answer is sent.
    """

    queryset = GeneratedNumber.objects.all()
    serializer_class = GeneratedNumberSerializer


class SavedNumberPagination(KeysetPagination):
    """The list is a member of an object, as in the original application."""

    key = "savedNumbers"


class SavedNumberViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[GeneratedNumber]):
    """All saved numbers, by ascending id."""

    queryset = GeneratedNumber.objects.select_related("user").order_by("id")
    serializer_class = SavedNumberSerializer
    filter_backends = [UserFilter]
    pagination_class = SavedNumberPagination
    coalesce = True  # All clients see the same numbers.
