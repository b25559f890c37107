"""Constraints and indexes of the users table."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from users_project.users.models import User
from users_project.users.queries import insert_users

pytestmark = pytest.mark.django_db


def test_the_database_enforces_the_constraints() -> None:
    User.objects.register("ankur")
    for name in ("ankur", ""):
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.create(name=name)


@pytest.mark.django_db(transaction=True)
def test_concurrent_inserts_of_the_same_names_do_not_deadlock() -> None:
    names = [f"ankur {number}" for number in range(3000)]

    def save(order: list[str]) -> int:
        try:
            return sum(user is not None for user in insert_users.function(order))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as processes:
        saved = list(processes.map(save, [names, names[::-1]]))
    assert sum(saved) == User.objects.count() == 3000


def plan(queryset: QuerySet[User]) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    return queryset.explain()


def test_searches_by_name_and_by_prefix_use_the_index() -> None:
    assert "user_name_unique" in plan(User.objects.filter(name="ankur"))
    assert "user_name_unique" in plan(User.objects.filter(name__startswith="ank"))


def test_all_tables_are_in_the_services_own_schema_and_belong_to_its_owner() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT schemaname, tableowner FROM pg_tables"
            " WHERE schemaname = 'users' OR tableowner IN ('users_owner', current_user)"
        )
        assert cursor.fetchall() == [("users", "users_owner")]
