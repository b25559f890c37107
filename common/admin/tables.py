"""Admin pages that stay fast on large tables and reject query strings they do not support."""

import re
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.utils.functional import cached_property

MIDNIGHT = re.compile(r"[1-9][0-9]{3}-[0-9]{2}-[0-9]{2} 00:00:00\+00:00")


class BoundedPaginator(Paginator):
    """Counts at most LIMIT rows; search and filters reach the rest."""

    LIMIT = 10_000

    @cached_property
    def count(self) -> int:
        """Return the number of rows, at most LIMIT."""
        rows: Any = self.object_list[: self.LIMIT]
        return int(rows.count())


class FilteredAdmin(admin.ModelAdmin):
    """Allows only the listed lookups; Django allows more, and raises on some of their values."""

    # An action can be applied to all rows at once, and Django raises on what is no id.
    actions = None
    lookups: tuple[str, ...] = ()

    def get_object(self, request: Any, object_id: str, from_field: str | None = None) -> Any:
        """Return the object; Django raises on an empty name of the field that identifies it."""
        return super().get_object(request, object_id, from_field or None)

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Return whether one of the page's own filters uses the lookup."""
        return lookup in self.lookups


class LargeTableAdmin(FilteredAdmin):
    """Lists newest rows first, and never counts, sorts or loads the whole table."""

    ordering = ["-id"]
    paginator = BoundedPaginator
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    sortable_by = ()
    lookups = ("created_at__gte", "created_at__lt")

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Return whether a link of the page's filters has this; PostgreSQL rejects some times."""
        return super().lookup_allowed(lookup, value) and bool(MIDNIGHT.fullmatch(value))

    def get_search_results(
        self, request: Any, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find rows that start with the term; Django would search for each word of it.

        Ordered by the searched field, so that one index serves both the search and the page.
        """
        if not search_term:
            return queryset, False
        (field,) = self.search_fields
        lookup = {f"{field}__startswith": search_term.strip()}
        return queryset.filter(**lookup).order_by(field), False


class ReadOnlyAdmin(LargeTableAdmin):
    """Rows that can be viewed but not changed."""

    def has_add_permission(self, request: Any) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Model | None = None) -> bool:
        return False
