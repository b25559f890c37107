"""Privileges of the random number service's role on the user service's tables."""

import pytest
from django.db import DatabaseError, connection, transaction

from numbers_project.random_numbers.models import User

pytestmark = pytest.mark.django_db
TABLE = '"users"."users_user"'


def test_the_columns_id_and_name_can_be_read(ankur: int) -> None:
    assert list(User.objects.values_list("id", "name")) == [(ankur, "ankur")]


@pytest.mark.parametrize(
    "statement",
    [
        f"INSERT INTO {TABLE} (name) VALUES ('x')",
        f"UPDATE {TABLE} SET name = 'x'",
        f"DELETE FROM {TABLE}",
        f"TRUNCATE {TABLE}",
        f"SELECT created_at FROM {TABLE}",
        f"SELECT * FROM {TABLE}",
        f"SELECT u FROM {TABLE} u",
        f"SELECT id FROM {TABLE} FOR UPDATE",
        f"SELECT id FROM {TABLE} FOR KEY SHARE",
        f"LOCK TABLE {TABLE} IN EXCLUSIVE MODE",
        f"ALTER TABLE {TABLE} ADD COLUMN x int",
        f"DROP TABLE {TABLE}",
        f"CREATE INDEX x ON {TABLE} (name)",
        f"COPY {TABLE} TO STDOUT",
        f"GRANT SELECT ON {TABLE} TO PUBLIC",
        f"CREATE TABLE x (id bigint REFERENCES {TABLE} (id))",
        'CREATE TABLE "users".x (id int)',
        'CREATE FUNCTION "users".x() RETURNS int LANGUAGE sql AS $$SELECT 1$$',
        'DROP SCHEMA "users" CASCADE',
        'SELECT 1 FROM "users"."auth_user"',
        'SELECT 1 FROM "users"."django_migrations"',
        "SELECT nextval('\"users\".users_user_id_seq')",
        "CREATE TABLE public.x (id int)",
        "CREATE SCHEMA x",
        "CREATE TEMPORARY TABLE x (id int)",
        "CREATE ROLE x",
        "SET ROLE users_service",
        "SET ROLE users_reader",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION users_service",
        "ALTER ROLE users_service PASSWORD 'x'",
        "GRANT users_service TO numbers_service",
    ],
)
def test_everything_else_is_refused(ankur: int, statement: str) -> None:
    with (
        pytest.raises(DatabaseError, match="permission denied|must be owner"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_the_search_path_has_only_the_services_own_schema() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_schemas(false)")
        assert cursor.fetchone() == ("numbers_service", ["numbers"])


def test_all_tables_are_in_the_services_own_schema_and_belong_to_its_owner() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT schemaname, tableowner FROM pg_tables"
            " WHERE schemaname = 'numbers' OR tableowner IN ('numbers_owner', current_user)"
        )
        assert cursor.fetchall() == [("numbers", "numbers_owner")]
