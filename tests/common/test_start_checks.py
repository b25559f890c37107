"""System checks of views made of REST framework's own classes."""

from typing import Any

import pytest
from django.core.checks import run_checks
from django.urls import include, path
from rest_framework import mixins, viewsets
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAdminUser

from common.api.tokens import HasScope
from users_project.users.models import User
from users_project.users.serializers import UserSerializer

urlpatterns: list[Any] = []


class Copied(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """A view as a new service might have it."""

    queryset = User.objects.order_by("id")
    serializer_class = UserSerializer


@pytest.fixture
def check(settings: Any) -> Any:
    """Return a function that routes a view and returns the ids of its errors."""
    settings.ROOT_URLCONF = __name__

    def check(action: str = "list", **attributes: Any) -> list[str]:
        view = type("Copied", (Copied,), attributes).as_view({"get": action})
        urlpatterns[:] = [path("included/", include([path("copied", view)]))]
        messages = [message for message in run_checks() if not message.is_silenced()]
        assert all(message.hint or "Use" in message.msg for message in messages)
        return [str(message.id) for message in messages]

    return check


def test_a_correct_view_passes(check: Any) -> None:
    assert check() == []


def test_sessions_outside_the_admin_are_refused(check: Any) -> None:
    assert check(authentication_classes=[SessionAuthentication]) == ["common.E005"]


@pytest.mark.parametrize("order", ["name", "-id", "?"])
def test_pagination_in_another_order_is_refused(check: Any, order: str) -> None:
    assert check(queryset=User.objects.order_by(order)) == ["common.E006"]


def test_a_detail_view_needs_no_order(check: Any) -> None:
    assert check("retrieve", queryset=User.objects.all()) == []


@pytest.mark.parametrize(
    ("permission_classes", "found"),
    [
        ([HasScope], ["common.E007"]),
        ([HasScope | IsAdminUser], ["common.E007"]),
        ([~IsAdminUser & HasScope], ["common.E007"]),
        ([~IsAdminUser], []),
    ],
)
def test_a_view_that_requires_tokens_needs_a_scope(
    check: Any, settings: Any, permission_classes: Any, found: list[str]
) -> None:
    settings.HAS_TOKENS = True
    assert check(permission_classes=permission_classes) == found
    assert check(permission_classes=permission_classes, scope="users") == []
