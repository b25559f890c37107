"""No value that a client may send fails the user service or its admin."""

import pytest

from tests.common.strange_values import failures
from users_project.users.models import User


@pytest.mark.django_db
def test_a_strange_value_in_any_place_is_never_a_failure() -> None:
    user = User.objects.register("ankur")
    assert user
    assert failures(user.pk) == []
