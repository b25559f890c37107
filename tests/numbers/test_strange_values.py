"""No value that a client may send fails the random number service or its admin."""

import pytest

from numbers_project.random_numbers.models import GeneratedNumber
from tests.common.strange_values import failures


@pytest.mark.django_db
def test_a_strange_value_in_any_place_is_never_a_failure(ankur: int) -> None:
    drawn = GeneratedNumber.objects.generate("ankur")
    assert drawn
    assert failures(drawn.id) == []
