"""Admin pages for large tables."""

from common.admin.tables import BoundedPaginator, LargeTableAdmin, ReadOnlyAdmin

__all__ = ["BoundedPaginator", "LargeTableAdmin", "ReadOnlyAdmin"]
