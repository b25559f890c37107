"""What PostgreSQL itself holds true of the numbers table."""

import pytest
from django.db import IntegrityError, transaction

from numbers_project.random_numbers.models import GeneratedNumber

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("number", [-1, 7])
def test_no_number_beyond_its_limit_can_be_saved(number: int) -> None:
    with pytest.raises(IntegrityError, match="number_within_limit"), transaction.atomic():
        GeneratedNumber.objects.create(limit=6, number=number)
