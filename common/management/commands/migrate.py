"""`migrate`, as the role that owns the tables, and one run at a time for each service."""

import zlib
from typing import Any

from django.core.management import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from psycopg2.errors import LockNotAvailable

from common.database.checks import require_owner
from common.database.errors import one_line
from common.database.locks import LockTimeout, wait_for_lock

LOCK_PATIENCE = 600.0  # seconds; another run may be building an index


class Command(migrate.Command):
    """Django's command, which waits until another run for the same service has finished."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--lock-patience",
            type=float,
            default=LOCK_PATIENCE,
            metavar="SECONDS",
            help=f"How long to wait for another run, by default {LOCK_PATIENCE:g} seconds.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check_unapplied"] or options["plan"]:
            super().handle(*args, **options)
            return
        user = connections[options["database"]].settings_dict["USER"]
        require_owner(user, "migrate")
        # Before taking the lock, since the checks explain better what is missing in a database.
        self.check(databases=[options["database"]])
        try:
            with connections[options["database"]].cursor() as cursor:
                purpose = f"migrations by {user}"
                wait_for_lock(cursor, lock_of(user), options["lock_patience"], purpose)
            super().handle(*args, **{**options, "skip_checks": True})
        except LockTimeout as error:
            raise CommandError(str(error)) from error
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
            raise CommandError(
                f"A table is in use by others: {one_line(error)}. Nothing of this migration was"
                " applied. Run migrate again."
            ) from error
        finally:
            connections[options["database"]].close()  # and with it goes the lock


def lock_of(role: str) -> int:
    """Return the number of the lock for a role's migrations: services do not wait for others."""
    return zlib.crc32(f"migrate {role}".encode())
