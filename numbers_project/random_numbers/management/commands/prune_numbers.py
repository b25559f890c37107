"""`prune_numbers --older-than DAYS`: deletes old numbers, as the role that owns them."""

from argparse import ArgumentTypeError
from datetime import datetime, timedelta
from typing import Any

from django.core.management import BaseCommand, CommandParser
from django.db import connection
from django.utils import timezone

from common.database.checks import require_owner

BATCH_SIZE = 10_000  # ids; a batch is a transaction of its own, and takes some milliseconds

# Old rows lie together, so the BRIN index on created_at finds them without reading the others.
BOUNDS = """
SELECT min(id), max(id) FROM (
    SELECT id FROM random_numbers_generatednumber WHERE created_at < %s OFFSET 0
) AS old
"""
# Each batch goes on where the last one ended, by the primary key. From the beginning it would read
# again all the rows that have been deleted and not yet vacuumed.
DELETE = """
DELETE FROM random_numbers_generatednumber
WHERE id BETWEEN %s AND %s AND created_at < %s
"""


class Command(BaseCommand):
    """Deletes numbers that were drawn before a moment, while the service goes on."""

    help = "Deletes the numbers that were drawn more than some days ago, and prints how many."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--older-than", type=days, required=True, metavar="DAYS")

    def handle(self, *args: Any, **options: Any) -> None:
        require_owner(connection.settings_dict["USER"], "prune_numbers")
        deleted = prune(timezone.now() - options["older_than"])
        self.stdout.write(f"{deleted} numbers were deleted.")


def days(text: str) -> timedelta:
    """Return a number of days, at least one."""
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 36500):
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1 to 36500.")
    return timedelta(days=int(text))


def prune(moment: datetime) -> int:
    """Delete the numbers that were drawn before a moment, and return how many there were."""
    deleted = 0
    with connection.cursor() as cursor:
        cursor.execute(BOUNDS, [moment])
        first, last = cursor.fetchone()
        while first is not None and first <= last:
            cursor.execute(DELETE, [first, first + BATCH_SIZE - 1, moment])
            deleted += cursor.rowcount
            first += BATCH_SIZE
    return deleted
