"""The random number service's API."""

from typing import Any

import orjson
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from common.api.pagination import KeysetPagination
from common.fast import mixins, viewsets
from numbers_project.random_numbers.filters import UserFilter
from numbers_project.random_numbers.idempotency import REPLAYED, draw_once, read_key
from numbers_project.random_numbers.models import GeneratedNumber
from numbers_project.random_numbers.serializers import (
    GeneratedNumberSerializer,
    SavedNumberSerializer,
)


class GeneratedNumberViewSet(mixins.CreateModelMixin, viewsets.GenericViewSet[GeneratedNumber]):
    """Draw a random number for a registered user, or `count` numbers, and save them.

    Each is drawn uniformly from 0 to `limit`, inclusive, from the operating system's cryptographic
    source. All of them are on disk before the answer is sent.

    With the header Idempotency-Key, a request may be repeated: only the first one draws. Where
    draws are verifiable, its numbers follow from a secret of the day and the request.
    """

    scope = "numbers"
    queryset = GeneratedNumber.objects.all()
    serializer_class = GeneratedNumberSerializer

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = read_key(request)
        if key is None:
            return super().create(request, *args, **kwargs)
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        answer = draw_once(key, serializer.validated_data)
        headers = REPLAYED if answer.is_replay else {}
        return Response(orjson.loads(answer.json), status.HTTP_201_CREATED, headers=headers)


class SavedNumberPagination(KeysetPagination):
    """The list is a member of an object, as in the original application."""

    key = "savedNumbers"


class SavedNumberViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[GeneratedNumber]):
    """All saved numbers, by ascending id."""

    scope = "numbers"
    queryset = GeneratedNumber.objects.select_related("user").order_by("id")
    serializer_class = SavedNumberSerializer
    filter_backends = [UserFilter]
    pagination_class = SavedNumberPagination
    coalesce = True  # All clients see the same numbers.
