"""Admin pages that stay fast however many rows a table has, and whatever stands in an address."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group, User
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.utils.functional import cached_property


class BoundedPaginator(Paginator):
    """Count no further than the first rows; what comes later is for search and filters to find."""

    LIMIT = 10_000

    @cached_property
    def count(self) -> int:
        """Return the number of rows, at most LIMIT."""
        rows: Any = self.object_list[: self.LIMIT]
        return int(rows.count())


class FilteredAdmin(admin.ModelAdmin):
    """Rows that only the filters narrow; Django would allow any lookup, and fail on its value."""

    lookups: tuple[str, ...] = ()

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Allow what the filters link to."""
        return lookup in self.lookups


admin.site.unregister([User, Group])


@admin.register(User)
class AccountAdmin(FilteredAdmin, auth_admin.UserAdmin):
    """Accounts of this admin."""

    lookups = ("is_staff__exact", "is_superuser__exact", "is_active__exact", "groups__id__exact")


@admin.register(Group)
class GroupAdmin(FilteredAdmin, auth_admin.GroupAdmin):
    """What accounts of a kind may do."""


class LargeTableAdmin(FilteredAdmin):
    """Newest first, without counting, sorting or loading a whole table."""

    # Django offers actions on all rows, and loads every one of them.
    actions = None
    ordering = ["-id"]
    paginator = BoundedPaginator
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    sortable_by = ()
    lookups = ("created_at__gte", "created_at__lt")

    def get_search_results(
        self, request: Any, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find what begins with the term as a whole; Django would look for each of its words.

        In the field's own order its index serves both the search and the page.
        """
        if not search_term:
            return queryset, False
        (field,) = self.search_fields
        lookup = {f"{field}__startswith": search_term.strip()}
        return queryset.filter(**lookup).order_by(field), False


class ReadOnlyAdmin(LargeTableAdmin):
    """Rows to look at."""

    def has_add_permission(self, request: Any) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Model | None = None) -> bool:
        return False
