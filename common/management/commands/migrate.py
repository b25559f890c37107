"""`migrate`, one run at a time: two that start at once would both make the same tables."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

LOCK = 7_236_452  # any number; the same for all runs in a database, and not that of provisioning


class Command(migrate.Command):
    """Django's command, which waits for another run to finish."""

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check_unapplied"] or options["plan"]:
            super().handle(*args, **options)
            return
        # Before the lock: the checks say more clearly what a database lacks.
        self.check(databases=[options["database"]])
        with connections[options["database"]].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            try:
                super().handle(*args, **{**options, "skip_checks": True})
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
