"""What views do with one thing: create and read it, as REST framework's mixins do, in less time."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from common.api.fields import LARGEST_ID
from common.database.coalescing import SharedStatement


@cache
def shared_serializer(
    serializer_class: type[serializers.Serializer[Any]],
) -> serializers.Serializer[Any]:
    """Return the one serializer of a class that all requests use.

    It keeps nothing of a request. To make one for each, as REST framework does, takes longer than
    to validate what it says.
    """
    return serializer_class()


class CreateMixin:
    """Offer `create`, with the serializer made once.

    It has no context, and there is no perform_create: who needs them takes CreateModelMixin.
    """

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = shared_serializer(self.get_serializer_class())
        instance = serializer.create(serializer.run_validation(request.data))
        data = serializer.to_representation(instance)
        headers = self.get_success_headers(data)
        return Response(data, status=status.HTTP_201_CREATED, headers=headers)

    def get_success_headers(self, data: Any) -> dict[str, str]:
        """Return the headers of an answer that says what was created."""
        return {}


class RetrieveMixin:
    """Offer `retrieve`; those who ask at one moment share a statement."""

    def retrieve(self, request: Request, pk: str, **kwargs: Any) -> Response:
        instance = self.find(int(pk)) if self.is_for_all() else self.get_object()
        serializer = shared_serializer(self.get_serializer_class())
        return Response(serializer.to_representation(instance))

    def find(self, pk: int) -> Any:
        """Return what has an id, together with what others ask for."""
        instance = shared_instances(self.queryset)(pk)
        if instance is None:
            raise Http404
        self.check_object_permissions(self.request, instance)
        return instance


@cache
def shared_instances(queryset: QuerySet[Any]) -> SharedStatement[int, Any]:
    """Return what selects instances by their ids; None stands for those that are not there."""

    def select(pks: Sequence[int]) -> list[Any]:
        found = queryset.in_bulk({pk for pk in pks if pk <= LARGEST_ID})
        return [found.get(pk) for pk in pks]

    return SharedStatement(select)
