"""Query parameters of the list of saved numbers."""

from typing import Any

from django.db.models import QuerySet

from common.api.filters import ParameterFilter
from common.database.replica import read
from common.user_names import spellings
from numbers_project.random_numbers.models import User


class UserFilter(ParameterFilter):
    """`user=ankur`: the numbers of the user with this name."""

    parameter = "user"
    description = "Only the numbers of the user with this name."

    def apply(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the user's numbers.

        With a known id instead of a join, PostgreSQL can estimate how many there are, and reads
        them in the order of their ids from the index.
        """
        names = spellings(value)
        ids = dict(read(User.objects.filter(name__in=names).values_list("name", "id"), list))
        found = [ids[name] for name in names if name in ids]
        return queryset.filter(user_id=found[0]) if found else queryset.none()
