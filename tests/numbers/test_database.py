"""Constraints that PostgreSQL enforces on the numbers table."""

import pytest
from django.db import IntegrityError, transaction

from numbers_project.random_numbers.models import GeneratedNumber

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("number", [-1, 7])
def test_a_number_outside_its_limit_cannot_be_saved(number: int) -> None:
    with pytest.raises(IntegrityError, match="number_within_limit"), transaction.atomic():
        GeneratedNumber.objects.create(limit=6, number=number)
