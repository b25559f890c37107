"""The Django admin: pages that stay fast however many rows a table has.

- `tables.py`: `LargeTableAdmin` and `ReadOnlyAdmin`, for the services' own models.
- `accounts.py`: the accounts of the admin itself. The API has none.
- `middleware.py`: sessions and accounts for the admin's pages only.
"""

from common.admin import accounts
from common.admin.tables import BoundedPaginator, LargeTableAdmin, ReadOnlyAdmin

__all__ = ["BoundedPaginator", "LargeTableAdmin", "ReadOnlyAdmin", "accounts"]
