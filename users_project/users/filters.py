"""Query parameters of the list of users."""

from typing import Any

from django.db.models import QuerySet

from common.api.filters import ParameterFilter
from common.user_names import spellings


class NameFilter(ParameterFilter):
    """`name=ankur`: the user with this name, or an empty list."""

    parameter = "name"
    description = "Only the user with this name."

    def apply(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the user with the name."""
        return queryset.filter(name__in=spellings(value))
