"""Query parameters of the list of saved numbers."""

from typing import Any

from django.db.models import QuerySet

from common.api.filters import ParameterFilter
from common.database.replica import read
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
        users = User.objects.filter(name=User.objects.stored_name(value))
        ids = read(users.values_list("id", flat=True), list)
        return queryset.filter(user_id=ids[0]) if ids else queryset.none()
