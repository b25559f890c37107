"""The Django admin: pages that stay fast however many rows a table has.

- `tables.py`: `LargeTableAdmin` and `ReadOnlyAdmin`, for the services' own models.
- `accounts.py`: the admin's own accounts. The API has none.
- `sign_in.py`: a limit for attempts to sign in, and their log lines.
- `middleware.py`: sessions and authentication for admin pages only.
"""

from common.admin import accounts
from common.admin.tables import BoundedPaginator, LargeTableAdmin, ReadOnlyAdmin

__all__ = ["BoundedPaginator", "LargeTableAdmin", "ReadOnlyAdmin", "accounts"]
