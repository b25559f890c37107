"""The command prune_numbers, run by the owner of the numbers."""

from collections.abc import Iterator

import psycopg2
import pytest
from django.core.management import call_command
from django.db import connection

from numbers_project.random_numbers.management.commands import prune_numbers
from tests.common.conftest import manage
from tests.conftest import owner_of

pytestmark = pytest.mark.django_db(transaction=True)
TABLE = "random_numbers_generatednumber"


@pytest.fixture
def owner() -> Iterator[psycopg2.extensions.cursor]:
    """A cursor of numbers_owner, for Django as well."""
    with owner_of(connection), connection.cursor() as cursor:
        yield cursor


def save(cursor, days: int, rows: int) -> None:
    cursor.execute(
        f'INSERT INTO {TABLE} ("limit", number, created_at)'
        " SELECT 6, 4, now() - make_interval(days => %s) FROM generate_series(1, %s)",
        [days, rows],
    )


def ages(cursor) -> dict[int, int]:
    """Return the number of rows by their age in days."""
    cursor.execute(
        f"SELECT extract(day FROM now() - created_at)::int, count(*) FROM {TABLE} GROUP BY 1"
    )
    return dict(cursor.fetchall())


def test_only_older_numbers_are_deleted(owner) -> None:
    for days, rows in ((31, 3), (30, 2), (29, 5), (400, 1), (0, 1)):
        save(owner, days, rows)
    result = manage("numbers", "prune_numbers", "--older-than", "30")
    assert (result.stdout, result.stderr) == ("6 numbers were deleted.\n", "")
    assert ages(owner) == {29: 5, 0: 1}
    again = manage("numbers", "prune_numbers", "--older-than", "30")
    assert again.stdout == "0 numbers were deleted.\n"


def test_they_are_deleted_in_batches(owner, monkeypatch) -> None:
    monkeypatch.setattr(prune_numbers, "BATCH_SIZE", 10)
    save(owner, 31, 45)
    save(owner, 1, 5)
    save(owner, 31, 3)  # those of a clock that was set back
    statements = []

    def note(execute, sql, *rest):
        statements.append((sql, connection.in_atomic_block))
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        call_command("prune_numbers", "--older-than", "30")
    deletes = [in_transaction for sql, in_transaction in statements if "DELETE" in sql]
    assert len(deletes) == 6
    assert not any(deletes)
    assert ages(owner) == {1: 5}


def test_the_old_numbers_are_found_by_the_brin_index(owner) -> None:
    save(owner, 400, 1_000)
    save(owner, 1, 200_000)
    owner.execute(f"ANALYZE {TABLE}")
    owner.execute("SELECT brin_summarize_new_values('number_created_at')")
    owner.execute(f"EXPLAIN {prune_numbers.BOUNDS}", ["2000-01-01"])
    assert "number_created_at" in str(owner.fetchall())


def test_the_service_itself_is_refused(owner) -> None:
    save(owner, 31, 1)
    login = {"DB_USER": "numbers_service"}
    result = manage("numbers", "prune_numbers", "--older-than", "30", **login)
    assert result.returncode == 1
    assert "numbers_service may not do what prune_numbers does" in result.stderr
    assert "DB_USER=numbers_owner" in result.stderr
    assert ages(owner) == {31: 1}


@pytest.mark.parametrize("days", ["0", "-1", "1.5", "٣", "99999999", ""])
def test_what_is_no_number_of_days_is_refused(days: str) -> None:
    result = manage("numbers", "prune_numbers", "--older-than", days)
    assert result.returncode == 2
    assert "is not a whole number from 1 to 36500" in result.stderr
