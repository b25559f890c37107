"""Views that common.fast does not support are refused when they are routed; others work."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models import Count, QuerySet, Window
from django.db.models.functions import RowNumber
from django.test import RequestFactory
from rest_framework import mixins as rest_mixins
from rest_framework import serializers
from rest_framework import viewsets as rest_viewsets
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.filters import BaseFilterBackend, OrderingFilter
from rest_framework.generics import GenericAPIView
from rest_framework.pagination import PageNumberPagination
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.settings import api_settings

from common.api.filters import ParameterFilter
from common.api.pagination import KeysetPagination, require_keyset
from common.fast import mixins, viewsets
from tests.common.samples import (
    Parent,
    Sample,
    SampleSerializer,
    SampleViewSet,
    UTCDateTimeField,
    get,
    serializer,
    tables,
    view,
)
from users_project.users.models import User
from users_project.users.views import UserViewSet

__all__ = ["tables"]


def override(*args: Any, **kwargs: Any) -> Any:
    """Override any method."""


class UpperCaseField(serializers.CharField):
    def to_representation(self, value: str) -> str:
        return value.upper()


class AttributeField(serializers.CharField):
    def get_attribute(self, instance: Sample) -> str:
        return instance.text + "!"


class RepresentationSerializer(SampleSerializer):
    def to_representation(self, instance: Sample) -> dict[str, Any]:
        return {"id": instance.pk}


class SaveSerializer(SampleSerializer):
    def save(self, **kwargs: Any) -> Any:
        return super().save(**kwargs, flag=True)


class CountPagination(KeysetPagination):
    def get_paginated_response(self, data: Any) -> Any:
        return super().get_paginated_response({"count": len(data), "rows": data})


class Wrapped(SampleSerializer):
    @property
    def data(self) -> Any:
        return {"wrapped": super().data}


class ByCaller(SampleSerializer):
    def get_fields(self) -> Any:
        return super().get_fields()


class FirstOnly(serializers.ListSerializer):
    def to_representation(self, data: Any) -> Any:
        return super().to_representation(data)[:1]


class InAList(SampleSerializer):
    class Meta(SampleSerializer.Meta):
        list_serializer_class = FirstOnly


class Decrypted(Sample):
    """A model that changes what comes from the database."""

    class Meta:
        proxy = True
        app_label = "users"

    @classmethod
    def from_db(cls, *args: Any) -> Any:
        return super().from_db(*args)


class Hiding(Sample):
    """A model with something else under the name of a column."""

    class Meta:
        proxy = True
        app_label = "users"

    text = property(lambda self: "hidden")  # type: ignore[assignment]


class Loose(models.Model):
    """A row of which PostgreSQL does not know that its parent exists."""

    parent = models.ForeignKey(Parent, models.DO_NOTHING, db_constraint=False)

    class Meta:
        app_label = "users"


class LooseSerializer(serializers.Serializer):
    label = serializers.CharField(source="parent.label", allow_null=True)


class Named(models.Model):
    """A row with a text for its key."""

    name = models.TextField(primary_key=True)

    class Meta:
        app_label = "users"


class RetrieveOnly(mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    queryset = Sample.objects.all()
    serializer_class: Any = SampleSerializer


class Mine(ParameterFilter):
    """Shows the rows of the caller."""

    parameter = "of"
    description = "Only the samples of another caller."

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: Any
    ) -> QuerySet[Any]:
        return queryset.filter(text=request.headers["Caller"])


def with_serializer(*names: str, **fields: Any) -> Callable[[], type[Any]]:
    return lambda: view(serializer_class=serializer(*names, **fields))


REFUSED = {
    # Hooks that are not called
    "perform_create": (lambda: view(perform_create=override), "perform_create is not called"),
    "get_serializer": (lambda: view(get_serializer=override), "get_serializer is not called"),
    "a paginated answer": (lambda: view(pagination_class=CountPagination), "not called for JSON"),
    "a page of the view's own": (
        lambda: view(get_paginated_response=override), "get_paginated_response is not called"
    ),
    "save": (lambda: view(serializer_class=SaveSerializer), "save is not called"),
    "data": (lambda: view(serializer_class=Wrapped), "data is not called"),
    "get_fields": (
        lambda: view(RetrieveOnly, serializer_class=ByCaller), "get_fields is not called"
    ),
    "a list's serializer": (
        lambda: view(serializer_class=InAList), "FirstOnly.to_representation is not called"
    ),
    "from_db": (lambda: view(queryset=Decrypted.objects.order_by("id")), "from_db is not called"),
    # Rows in another order
    "an ordering": (lambda: view(queryset=Sample.objects.order_by("text")), "ordered by text"),
    "no ordering": (lambda: view(queryset=Sample.objects.all()), "ordered by nothing"),
    "a reversal": (
        lambda: view(queryset=Sample.objects.order_by("id").reverse()), "ordered by id, reverse"
    ),
    "a window": (
        lambda: view(
            queryset=Sample.objects.annotate(row=Window(RowNumber(), "owner"))
            .filter(row__lt=3).order_by("id")
        ),
        "filtered by a window function",
    ),
    "a manager": (lambda: view(queryset=Sample.objects), "is not a queryset"),
    "a descent": (lambda: view(queryset=Sample.objects.order_by("-id")), "ordered by -id"),
    "a slice": (lambda: view(queryset=Sample.objects.order_by("id")[:9]), "sliced"),
    "distinct rows": (lambda: view(queryset=Sample.objects.order_by("id").distinct()), "distinct"),
    "OrderingFilter": (lambda: view(filter_backends=[OrderingFilter]), "OrderingFilter"),
    "page numbers": (lambda: view(pagination_class=PageNumberPagination), "KeysetPagination"),
    "no pagination": (lambda: view(pagination_class=None), "KeysetPagination"),
    # Fields that PostgreSQL would not write as REST framework does
    "SlugRelatedField": (
        with_serializer(parent=serializers.SlugRelatedField("label", read_only=True)),
        "CopiedSerializer.parent .SlugRelatedField",
    ),
    "a relation": (with_serializer("parent"), "PrimaryKeyRelatedField"),
    "DecimalField": (with_serializer("price"), "CopiedSerializer.price .DecimalField"),
    "DateTimeField": (with_serializer("time"),  "DateTimeField of"),
    "a computed field": (
        with_serializer(upper=serializers.SerializerMethodField()), "SerializerMethodField"
    ),
    "a representation": (with_serializer(text=UpperCaseField()), "UpperCaseField of"),
    "an attribute": (with_serializer(text=AttributeField()), "AttributeField of"),
    "a property that hides a column": (
        lambda: view(queryset=Hiding.objects.order_by("id")), "SampleSerializer.text .CharField"
    ),
    "a relation without a constraint": (
        lambda: view(queryset=Loose.objects.order_by("id"), serializer_class=LooseSerializer),
        "db_constraint=False. Give that null=True",
    ),
    "a number of a text": (
        with_serializer(text=serializers.IntegerField()), "IntegerField of text"
    ),
    "a text of a number": (with_serializer(whole=serializers.CharField()), "CharField of whole"),
    "a property": (
        with_serializer(pk_text=serializers.CharField(source="__str__")), "__str__"
    ),
    "a nested serializer": (with_serializer(parent=SampleSerializer()), "SampleSerializer of"),
    "big numbers as text": (
        with_serializer(big=serializers.BigIntegerField(coerce_to_string=True)),
        "BigIntegerField of",
    ),
    "a relation that may be null": (
        with_serializer(label=serializers.CharField(source="parent.label")),
        "relation that may be null",
    ),
    "a serializer of its own": (
        lambda: view(serializer_class=RepresentationSerializer), "to_representation is not called"
    ),
    # Rows that may depend on the request, although requests share a statement
    "get_queryset": (
        lambda: view(coalesce=True, get_queryset=override), "get_queryset may depend"
    ),
    "filter_queryset": (
        lambda: view(coalesce=True, filter_queryset=override), "filter_queryset may depend"
    ),
    "get_object": (lambda: view(coalesce=True, get_object=override), "get_object may depend"),
    "a serializer class": (
        lambda: view(coalesce=True, get_serializer_class=override), "may depend"
    ),
    "a filter by client": (
        lambda: view(coalesce=True, filter_backends=[ClientFilter]), "ClientFilter may depend"
    ),
    "a parameter's filter": (
        lambda: view(coalesce=True, filter_backends=[Mine]), "Mine.filter_queryset is not called"
    ),
    "a text for a key": (
        lambda: view(RetrieveOnly, coalesce=True, queryset=Named.objects.all()),
        "primary key name, which is not an integer",
    ),
    "another lookup": (lambda: view(coalesce=True, lookup_field="slug"), "lookup by pk"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_an_unsupported_view_cannot_be_routed(case: str) -> None:
    make, sentence = REFUSED[case]
    view_class = make()
    actions = [name for name in ("list", "create", "retrieve") if hasattr(view_class, name)]
    with pytest.raises(ImproperlyConfigured, match=sentence):
        view_class.as_view(dict(zip(actions, actions, strict=True)))


def test_an_option_of_as_view_is_checked_like_an_attribute() -> None:
    with pytest.raises(ImproperlyConfigured, match="ordered by text"):
        SampleViewSet.as_view({"get": "list"}, queryset=Sample.objects.order_by("text"))


def test_a_filter_among_the_options_of_as_view_is_checked() -> None:
    with pytest.raises(ImproperlyConfigured, match="ClientFilter may depend"):
        SampleViewSet.as_view({"get": "list"}, coalesce=True, filter_backends=[ClientFilter])


def test_mixins_after_the_viewset_are_refused() -> None:
    """Its as_view would be called, and nothing checked."""
    for base in (viewsets.GenericViewSet, rest_viewsets.GenericViewSet, GenericAPIView):
        with pytest.raises(ImproperlyConfigured, match="before the view"):
            type("Copied", (base, mixins.ListModelMixin), {})


def test_a_view_without_a_router_is_checked() -> None:
    copied = type("Copied", (mixins.ListModelMixin, GenericAPIView), {"get": override})
    with pytest.raises(ImproperlyConfigured, match="ordered by text"):
        copied.as_view(queryset=Sample.objects.order_by("text"))


def test_groups_without_an_order_of_their_own_are_refused(monkeypatch) -> None:
    """Django forgets Meta.ordering for them."""
    monkeypatch.setattr(Parent._meta, "ordering", ["id"])
    require_keyset(Parent.objects.all())
    with pytest.raises(ImproperlyConfigured, match="ordered by nothing"):
        require_keyset(Parent.objects.annotate(samples=Count("sample")))


@pytest.mark.parametrize("time_zones", [(False, None), (True, "Europe/Berlin")])
def test_times_in_another_time_zone_are_refused(settings: Any, monkeypatch, time_zones) -> None:
    settings.USE_TZ, name = time_zones
    monkeypatch.setitem(settings.DATABASES["default"], "TIME_ZONE", name)
    with pytest.raises(ImproperlyConfigured, match="USE_TZ = True"):
        view(serializer_class=serializer(time=UTCDateTimeField())).as_view({"get": "list"})


def test_big_numbers_as_text_are_refused_also_by_the_setting(monkeypatch) -> None:
    monkeypatch.setattr(api_settings, "COERCE_BIGINT_TO_STRING", True, raising=False)
    with pytest.raises(ImproperlyConfigured, match="BigIntegerField of"):
        SampleViewSet.as_view({"get": "list"})


class TextKey(Parent):
    """A model whose primary key is a text."""

    class Meta:
        proxy = True
        app_label = "users"


def test_a_primary_key_that_is_not_an_integer_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(Parent._meta, "pk", Parent._meta.get_field("label"))
    with pytest.raises(ImproperlyConfigured, match="label, which is not an integer"):
        view(queryset=Parent.objects.order_by("id")).as_view({"get": "list"})


# --- Supported views ---------------------------------------------------------------------------


def make_samples(number: int, **values: Any) -> list[Sample]:
    owner = Parent.objects.create(label="owner")
    return [
        Sample.objects.create(
            text=f"sample {one}", whole=one, small=one, flag=True, owner=owner,
            time="2026-01-01T00:00:00Z", **values,
        )
        for one in range(number)
    ]  # fmt: skip


class WholeFilter(ParameterFilter):
    parameter = "whole"
    description = "Only the samples with this number."

    def apply(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(whole=int(value))


def test_a_filter_for_minus_one_filters_for_minus_one(tables: None, monkeypatch) -> None:
    """-1 was once the placeholder for a page's bound in a prepared statement."""
    monkeypatch.setattr("common.fast.mixins.FIRST_BATCH", 2)
    monkeypatch.setattr("common.fast.lists.BATCH", 2)
    samples = make_samples(7)
    Sample.objects.update(whole=-1)
    for coalesce in (True, False):
        listing = view(filter_backends=[WholeFilter], coalesce=coalesce)
        rows = orjson.loads(get(listing, "/?whole=-1").getvalue())
        assert [row["id"] for row in rows] == [sample.pk for sample in samples]


def test_a_filter_that_matches_nothing_gives_an_empty_list(tables: None) -> None:
    class NoneFilter(BaseFilterBackend):
        def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
            return queryset.none()

    make_samples(1)
    assert get(view(filter_backends=[NoneFilter])).getvalue() == b"[]"


def test_a_row_with_a_null_is_listed(tables: None) -> None:
    make_samples(1, big=None)
    assert orjson.loads(get(SampleViewSet).getvalue())[0]["big"] is None
    nullable = serializer("id", label=serializers.CharField(source="parent.label", allow_null=True))
    assert orjson.loads(get(view(serializer_class=nullable)).getvalue())[0]["label"] is None


def test_a_filter_that_reorders_the_list_is_refused(tables: None) -> None:
    class Reordering(BaseFilterBackend):
        def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
            return queryset.order_by("text")

    with pytest.raises(ImproperlyConfigured, match="ordered by text"):
        get(view(filter_backends=[Reordering]))


class RestViewSet(rest_mixins.ListModelMixin, rest_viewsets.GenericViewSet):
    """REST framework's own classes, with the same pagination."""

    queryset = Sample.objects.order_by("id")
    serializer_class = SampleSerializer


def test_rest_frameworks_own_mixin_lists_everything(tables: None) -> None:
    owner = Parent.objects.create(label="owner")
    Sample.objects.bulk_create(
        Sample(text="x", whole=1, small=1, flag=True, owner=owner, time="2026-01-01T00:00:00Z")
        for _ in range(150)
    )
    assert len(orjson.loads(get(RestViewSet).getvalue())) == 150
    assert get(RestViewSet).getvalue() == get(SampleViewSet).getvalue()
    for listing in (RestViewSet, SampleViewSet):
        page = get(listing, "/?page_size=20")
        assert len(orjson.loads(page.getvalue())) == 20
        assert "after=" in page.headers["Link"]


def test_another_renderer_renders_the_list(tables: None) -> None:
    class WrappingRenderer(JSONRenderer):
        def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
            return super().render({"wrapped": data}, *args, **kwargs)

    (sample,) = make_samples(1)
    answer = orjson.loads(get(view(renderer_classes=[WrappingRenderer])).getvalue())
    assert [row["id"] for row in answer["wrapped"]] == [sample.pk]


class FailingAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> None:
        raise AuthenticationFailed("The token is not valid.")


def test_an_authenticator_is_called_even_without_permissions() -> None:
    answer = view(authentication_classes=[FailingAuthentication]).as_view({"get": "list"})(
        RequestFactory().get("/")
    )
    assert answer.status_code == 403
    assert answer.data == {"error": "The token is not valid."}


class ClientFilter(BaseFilterBackend):
    """Selects the rows of the client."""

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: Any
    ) -> QuerySet[Any]:
        return queryset.filter(name=request.headers["Client"])


class ByQueryset(UserViewSet):
    """Selects the rows of the client."""

    coalesce = False

    def get_queryset(self) -> QuerySet[User]:
        return super().get_queryset().filter(name=self.request.headers["Client"])


class ByFilter(UserViewSet):
    """Selects the rows of the client."""

    coalesce = False
    filter_backends = [ClientFilter]


@pytest.mark.django_db
@pytest.mark.parametrize("by", [ByQueryset, ByFilter])
@pytest.mark.parametrize("client", ["ankur", "beatrix"])
def test_a_view_without_coalesce_can_filter_by_client(by: type[UserViewSet], client: str) -> None:
    ids = {name: User.objects.create(name=name).pk for name in ("ankur", "beatrix")}
    list_users = by.as_view({"get": "list"})
    for path in ("/users", "/users?page_size=1", "/users?after=0"):
        answer = list_users(RequestFactory().get(path, headers={"Client": client}))
        assert orjson.loads(answer.content) == [{"id": ids[client], "name": client}]
    retrieve = by.as_view({"get": "retrieve"})
    for name, pk in ids.items():
        answer = retrieve(RequestFactory().get("/", headers={"Client": client}), pk=str(pk))
        assert answer.status_code == (200 if name == client else 404)


@pytest.mark.django_db
def test_a_filter_also_applies_to_a_detail() -> None:
    """REST framework's own mixin does the same."""
    pk = User.objects.create(name="ankur").pk
    retrieve = UserViewSet.as_view({"get": "retrieve"})
    for name, status in (("ankur", 200), ("beatrix", 404)):
        answer = retrieve(RequestFactory().get(f"/?name={name}"), pk=str(pk))
        assert answer.status_code == status


def test_types_that_orjson_rejects_are_rendered_as_in_rest_framework() -> None:
    from datetime import UTC, datetime, timedelta
    from uuid import UUID

    from django.utils.functional import lazystr

    from common.api.renderers import JSONRenderer as Ours

    values = {
        "decimal": Decimal("1.10"),
        "duration": timedelta(seconds=1.5),
        "lazy": lazystr("a text"),
        "time": datetime(2026, 1, 1, tzinfo=UTC),
        "uuid": UUID(int=1),
        "large": 2**70,
        1: "a number as a key",
        "nested": [{"tuple": (1, 2), "set": {3}}],
    }
    assert Ours().render(values) == JSONRenderer().render(values)
    for name, value in values.items():
        assert Ours().render({name: value}) == JSONRenderer().render({name: value})
