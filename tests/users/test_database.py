"""What PostgreSQL itself holds true of the users table."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from users_project.users.models import User

pytestmark = pytest.mark.django_db


def test_the_constraints_hold_without_the_application() -> None:
    User.objects.register("ankur")
    for name in ("ankur", ""):
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.create(name=name)


def plan(queryset: QuerySet[User]) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    return queryset.explain()


def test_names_and_their_beginnings_are_found_by_the_index() -> None:
    assert "user_name_unique" in plan(User.objects.filter(name="ankur"))
    assert "user_name_unique" in plan(User.objects.filter(name__startswith="ank"))


def test_everything_is_in_the_services_own_schema() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT schemaname FROM pg_tables WHERE tableowner = current_user")
        assert cursor.fetchall() == [("users",)]
