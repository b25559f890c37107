"""`migrate`, one run at a time: two concurrent runs would both create the same tables."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

LOCK = 7_236_452  # an arbitrary number, the same for every run, but not the one of provisioning


class Command(migrate.Command):
    """Django's command, which waits until another run has finished."""

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check_unapplied"] or options["plan"]:
            super().handle(*args, **options)
            return
        # Before taking the lock, since the checks explain better what is missing in a database.
        self.check(databases=[options["database"]])
        with connections[options["database"]].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            try:
                super().handle(*args, **{**options, "skip_checks": True})
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
