"""Query parameters of the list of users."""

from typing import Any

from django.db.models import QuerySet

from common.api.filters import ParameterFilter


class NameFilter(ParameterFilter):
    """`name=ankur`: the user of that name, or an empty list."""

    parameter = "name"
    description = "Only the user of this name."

    def apply(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the user of the name."""
        return queryset.filter(name=value)
