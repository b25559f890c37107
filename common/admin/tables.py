"""Admin pages that stay fast however many rows a table has, whatever stands in an address."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.utils.functional import cached_property


class BoundedPaginator(Paginator):
    """Count no further than the first LIMIT rows; search and filters find the later ones."""

    LIMIT = 10_000

    @cached_property
    def count(self) -> int:
        """Return the number of rows, at most LIMIT."""
        rows: Any = self.object_list[: self.LIMIT]
        return int(rows.count())


class FilteredAdmin(admin.ModelAdmin):
    """Rows that only the filters select; Django would allow any lookup, and fail on its value."""

    lookups: tuple[str, ...] = ()

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Allow the lookups that the filters link to."""
        return lookup in self.lookups


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
        """Find rows that begin with the term; Django would look for each of its words.

        In the field's own order its index serves both the search and the page.
        """
        if not search_term:
            return queryset, False
        (field,) = self.search_fields
        lookup = {f"{field}__startswith": search_term.strip()}
        return queryset.filter(**lookup).order_by(field), False


class ReadOnlyAdmin(LargeTableAdmin):
    """Rows that can be viewed only."""

    def has_add_permission(self, request: Any) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Model | None = None) -> bool:
        return False
