"""Admin pages that stay fast however many rows a table has."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.utils.functional import cached_property


class BoundedPaginator(Paginator):
    """Count no further than the newest rows; what is older is for search and filters to find."""

    LIMIT = 10_000

    @cached_property
    def count(self) -> int:
        """Return the number of rows, at most LIMIT."""
        newest: QuerySet[Any] = self.object_list[: self.LIMIT]  # type: ignore[assignment]
        return newest.count()


class LargeTableAdmin(admin.ModelAdmin):
    """Newest first, without counting or loading a whole table."""

    ordering = ["-id"]
    paginator = BoundedPaginator
    show_full_result_count = False


class ReadOnlyAdmin(LargeTableAdmin):
    """Rows to look at."""

    def has_add_permission(self, request: Any) -> bool:
        """Nobody adds here."""
        return False

    def has_change_permission(self, request: Any, obj: Model | None = None) -> bool:
        """Nobody changes here."""
        return False

    def has_delete_permission(self, request: Any, obj: Model | None = None) -> bool:
        """Nobody deletes here."""
        return False
