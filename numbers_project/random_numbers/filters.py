"""Query parameters of the list of saved numbers."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from common.filters import ParameterFilter
from numbers_project.random_numbers.models import User


class UserFilter(ParameterFilter):
    """`user=ankur`: that user's numbers."""

    parameter = "user"
    description = "Only the numbers of the user of this name."
    schema = {"type": "string", "pattern": "^[^\\u0000]*$"}

    def get_field(self) -> serializers.CharField:
        """Return a field for a name."""
        return serializers.CharField(allow_blank=True)

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the user's numbers.

        With the id from a subquery, and not by a join, they come by id out of their index.
        """
        return queryset.filter(user_id=User.objects.filter(name=value).values("id")[:1])
