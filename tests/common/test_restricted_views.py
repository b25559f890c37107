"""Views that show each caller other rows, as they do once there are accounts."""

from typing import Any

import orjson
import pytest
from django.db.models import QuerySet
from django.test import RequestFactory
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request

from users_project.users.models import User
from users_project.users.views import UserViewSet

pytestmark = pytest.mark.django_db


class ByQueryset(UserViewSet):
    """Shows those whose name the caller sends."""

    def get_queryset(self) -> QuerySet[User]:
        return super().get_queryset().filter(name=self.request.headers["Caller"])


class CallerFilter(BaseFilterBackend):
    """Does the same without a query parameter."""

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: Any
    ) -> QuerySet[Any]:
        return queryset.filter(name=request.headers["Caller"])


class ByFilter(UserViewSet):
    """Shows those whose name the caller sends."""

    filter_backends = [CallerFilter]


@pytest.mark.parametrize("view", [ByQueryset, ByFilter])
@pytest.mark.parametrize("caller", ["ankur", "beatrix"])
def test_each_caller_sees_what_the_view_lets_it_see(view: type[UserViewSet], caller: str) -> None:
    ids = {name: User.objects.register(name).pk for name in ("ankur", "beatrix")}
    list_users = view.as_view({"get": "list"})
    for path in ("/users", "/users?page_size=1", "/users?after=0"):
        answer = list_users(RequestFactory().get(path, headers={"Caller": caller}))
        assert orjson.loads(answer.content) == [{"id": ids[caller], "name": caller}]
    retrieve = view.as_view({"get": "retrieve"})
    for name, pk in ids.items():
        answer = retrieve(RequestFactory().get("/", headers={"Caller": caller}), pk=str(pk))
        assert answer.status_code == (200 if name == caller else 404)
