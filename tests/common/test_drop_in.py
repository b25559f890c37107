"""A view of common.fast answers as one of REST framework's own mixins does, or says why not."""

import functools
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models
from django.db.models import Count, QuerySet
from django.test import RequestFactory
from django.utils import functional
from rest_framework import mixins as rest_mixins
from rest_framework import serializers
from rest_framework import viewsets as rest_viewsets
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.validators import UniqueTogetherValidator

from common.api.filters import ParameterFilter
from common.fast.lists import whole_list
from common.fast.mixins import shared_instances
from tests.common.samples import (
    Parent,
    Sample,
    SampleSerializer,
    SampleViewSet,
    serializer,
    tables,
    view,
)
from tests.common.test_refusals import make_samples

__all__ = ["tables"]

rf = RequestFactory()


class RestViewSet(
    rest_mixins.CreateModelMixin,
    rest_mixins.RetrieveModelMixin,
    rest_mixins.ListModelMixin,
    rest_viewsets.GenericViewSet,
):
    """All that common.fast offers, by REST framework."""

    queryset = Sample.objects.order_by("id")
    serializer_class: Any = SampleSerializer


def answer(view_class: Any, request: Any, name: str = "list", **kwargs: Any) -> Any:
    """Return the status, the body and the headers."""
    response = view_class.as_view({request.method.lower(): name})(request, **kwargs)
    if hasattr(response, "render"):
        response.render()
    headers = {name: value for name, value in response.headers.items() if name != "Allow"}
    return response.status_code, response.getvalue(), headers


def both(name: str = "list", path: str = "/", **attributes: Any) -> Any:
    """Return the answer that both have, whether or not requests share statements."""
    method, data = attributes.pop("request", ("get", None))
    kwargs = attributes.pop("kwargs", {})
    coalesce = attributes.pop("coalesce", (False, True))

    def request() -> Any:
        if method == "get":
            return rf.get(path, headers=data)
        return rf.post(path, data, content_type=method)

    expected = answer(view(RestViewSet, **attributes), request(), name, **kwargs)
    for shares in coalesce:
        copied = view(SampleViewSet, coalesce=shares, **attributes)
        assert answer(copied, request(), name, **kwargs) == expected
    return expected


JSON = "application/json"


class Body(serializers.Serializer):
    """Makes nothing."""

    text = serializers.CharField()

    def create(self, validated_data: dict[str, Any]) -> Any:
        return validated_data


# --- Rows --------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [-(2**63) + 1, -5, 0, 1, 2**63 - 3])
def test_an_id_may_be_any_number_of_64_bits(tables: None, monkeypatch, first: int) -> None:
    monkeypatch.setattr("common.fast.mixins.FIRST_BATCH", 1)
    monkeypatch.setattr("common.fast.lists.BATCH", 1)
    for pk, sample in enumerate(make_samples(3), first):
        Sample.objects.filter(pk=sample.pk).update(id=pk)
        both("retrieve", kwargs={"pk": str(pk)})
        both("retrieve", kwargs={"pk": pk})  # as a converter of the path makes it
    for coalesce in (False, True):
        _, body, _ = answer(view(SampleViewSet, coalesce=coalesce), rf.get("/"))
        assert body.count(b'"id"') == 3
    _, _, headers = both(path="/?page_size=1")
    link = headers["Link"].split(">")[0].removeprefix("<http://testserver")
    status, body, _ = both(path=link)
    # A client cannot page through negative ids, and is told so.
    assert (status == 400) if first < 0 else f'"id":{first + 1},'.encode() in body


@pytest.mark.parametrize("pk", ["x", "", "1.0", "9" * 30, "-" + "9" * 30, "9" * 5000, " 7", "٣"])
def test_what_is_no_id_is_a_404(tables: None, pk: str) -> None:
    assert both("retrieve", kwargs={"pk": pk})[0] == 404


def test_querysets_of_each_kind_list_the_same_rows(tables: None) -> None:
    make_samples(3)
    rows = Sample.objects.order_by("id")
    for queryset in (
        rows.annotate(count=Count("owner__sample")),
        rows.select_related("owner").prefetch_related("parent"),
        rows.only("id"),
        rows.defer("text"),
        rows.values("id", "text", "big"),
        rows.extra(select={"one": "1"}),
        rows.select_for_update(),
        rows.filter(owner__label="owner"),
    ):
        assert both(queryset=queryset)[1].count(b'"id"') == 3


class Narrowing(ParameterFilter):
    parameter = "by"
    description = "A method of querysets."

    def apply(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        narrowed = queryset.filter(text__gt="sample 0")
        return {
            "none": narrowed.none,
            "only": lambda: narrowed.only("id"),
            "defer": lambda: narrowed.defer("text"),
            "select_related": lambda: narrowed.select_related("owner"),
            "prefetch_related": lambda: narrowed.prefetch_related("owner"),
            "annotate": lambda: narrowed.annotate(count=Count("owner__sample")),
            "exists": lambda: narrowed if queryset else narrowed.none(),
        }[value]()


@pytest.mark.parametrize(
    ("by", "rows"),
    [("none", 0), *((name, 2) for name in ("only", "defer", "select_related", "prefetch_related",
                                          "annotate", "exists"))],
)  # fmt: skip
def test_a_filter_may_call_any_method_of_a_queryset(tables: None, by: str, rows: int) -> None:
    for number in (1, 2):  # of the rows before it, a request keeps nothing for the next one
        make_samples(3)
        for path in (f"/?by={by}", f"/?by={by}&page_size=9"):
            _, body, _ = both(path=path, filter_backends=[Narrowing])
            assert body.count(b'"id"') == rows * number


def test_a_queryset_may_be_known_to_be_empty(tables: None) -> None:
    (sample,) = make_samples(1)
    rows = Sample.objects.order_by("id")
    for queryset in (rows.none(), rows.filter(id__in=[])):
        for path in ("/", "/?page_size=2", "/?after=0"):
            assert both(path=path, queryset=queryset)[:2] == (200, b"[]")
        assert both("retrieve", queryset=queryset, kwargs={"pk": str(sample.pk)})[0] == 404


def test_a_serializer_may_have_no_readable_field(tables: None) -> None:
    make_samples(2)
    hidden = serializer(text=serializers.CharField(write_only=True))
    assert both(serializer_class=hidden)[1] == b"[{},{}]"


class Page(models.Model):
    """Its table is called as one was in the statement for pages."""

    last = models.IntegerField(default=100)

    class Meta:
        app_label = "users"
        db_table = "page"


class Bounds(models.Model):
    """Its table is called as another was."""

    after = models.IntegerField(default=0)

    class Meta:
        app_label = "users"
        db_table = "bounds"


@pytest.mark.parametrize("model", [Page, Bounds])
def test_a_table_may_have_any_name(tables: None, model: Any) -> None:
    """Pages of one that was called `page` had no next page."""
    with connection.schema_editor() as editor:
        editor.create_model(model)
    model.objects.bulk_create(model() for _ in range(5))
    meta = type("Meta", (), {"model": model, "fields": ["id"]})
    one = type("One", (serializers.ModelSerializer,), {"Meta": meta})
    _, body, headers = both(
        path="/?page_size=2", queryset=model.objects.order_by("id"), serializer_class=one
    )
    assert body.count(b'"id"') == 2
    assert "Link" in headers


class Reversing(ParameterFilter):
    parameter = "up"
    description = "The other way round."

    def apply(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.order_by("-id")


def test_a_parameter_that_reorders_a_shared_list_is_named(tables: None) -> None:
    with pytest.raises(ImproperlyConfigured, match="ordered by -id"):
        answer(view(coalesce=True, filter_backends=[Reversing]), rf.get("/?up=1&page_size=1"))


# --- Serializers -------------------------------------------------------------------------------


class Everything(serializers.ModelSerializer):
    """Fields of all kinds that need no request."""

    choice = serializers.ChoiceField([("a", "A"), ("b", "B")], write_only=True)
    words = serializers.ListField(child=serializers.CharField(), write_only=True)
    table = serializers.DictField(child=serializers.IntegerField(), write_only=True)
    json = serializers.JSONField(write_only=True)
    uuid = serializers.UUIDField(write_only=True, required=False)
    parts = Body(many=True, write_only=True)
    part = Body(write_only=True)
    hidden = serializers.HiddenField(default=7)
    parents = serializers.PrimaryKeyRelatedField(
        many=True, queryset=Parent.objects.all(), write_only=True
    )
    upper = serializers.SerializerMethodField()
    label = serializers.SlugRelatedField("label", source="owner", read_only=True)
    beside = serializers.SerializerMethodField()

    class Meta:
        model = Sample
        fields = [
            "id", "text", "price", "parent", "owner", "slug", "choice", "words", "table", "json",
            "uuid", "parts", "part", "hidden", "parents", "upper", "label", "beside", "time",
        ]  # fmt: skip
        validators = [UniqueTogetherValidator(Sample.objects.all(), ("text", "slug"))]

    def get_upper(self, sample: Sample) -> str:
        return sample.text.upper()

    def get_beside(self, sample: Sample) -> Any:
        return Body([{"text": sample.text}], many=True).data

    def create(self, validated_data: dict[str, Any]) -> Any:
        sample = Sample.objects.get(text="sample 0")
        sample.slug = str(validated_data["parts"] + [validated_data["hidden"]])
        return sample


def test_a_serializer_may_have_fields_of_each_kind(tables: None) -> None:
    (sample,) = make_samples(1, slug="x")
    parts = {"serializer_class": Everything, "coalesce": (False,)}
    routed = {"list": None}  # which common.fast refuses for these fields
    both("retrieve", kwargs={"pk": str(sample.pk)}, **parts, **routed)
    good = {
        "text": "b", "slug": "b", "choice": "a", "words": ["a"], "table": {"a": 1}, "json": [{}],
        "uuid": "00000000-0000-0000-0000-000000000000", "parts": [{"text": "a"}],
        "part": {"text": "a"}, "parents": [sample.owner_id], "owner": sample.owner_id,
        "time": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    for body, status in (
        (good, 201),
        (good | {"text": "sample 0", "slug": "x"}, 400),
        (good | {"parts": [{"text": "a"}, {}]}, 400),
        (good | {"parents": [-1], "choice": "c", "words": [{}], "uuid": "x"}, 400),
        ({}, 400),
    ):
        assert both("create", request=(JSON, body), **parts, **routed)[0] == status


def test_a_name_of_a_field_is_escaped(tables: None) -> None:
    make_samples(1)
    for name in ('"', "\\", "ü", "%s", "json"):
        both(serializer_class=serializer(**{name: serializers.CharField(source="text")}))


def test_querysets_of_single_requests_are_not_kept(tables: None) -> None:
    class Own(SampleViewSet):
        coalesce = True

        def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
            super().initial(request, *args, **kwargs)
            self.queryset = self.queryset.filter(text="sample 0")

    make_samples(2)
    for _ in range(300):
        assert answer(Own, rf.get("/"))[1].count(b'"id"') == 1
    assert whole_list.cache_info().currsize < 300


class Remembering(Body):
    def validate(self, attrs: Any) -> Any:
        self.text = attrs["text"]
        return attrs

    def create(self, validated_data: Any) -> Any:
        return {"text": self.text}


class NestedRemembering(Body):
    part = Remembering(required=False)


class Curious(Body):
    def validate(self, attrs: Any) -> Any:
        if set(self.initial_data) - {"text"}:
            raise serializers.ValidationError("There is more.")
        return attrs


class Asking(Body):
    text = serializers.CharField(
        default=serializers.CreateOnlyDefault(serializers.CurrentUserDefault())
    )

    def create(self, validated_data: Any) -> Any:
        return {"text": str(validated_data["text"])}


class Choosing:
    """A validator whose rule depends on the request."""

    requires_context = True

    def __call__(self, value: Any, field: Any) -> None:
        if field.context["request"].path != "/":
            raise serializers.ValidationError("Not here.")


class Chosen(Body):
    text = serializers.CharField(validators=[Choosing()])


class Linked(Body):
    def to_representation(self, instance: Any) -> Any:
        return {"path": self.context["request"].path}


class LinkedField(serializers.CharField):
    def to_representation(self, value: Any) -> Any:
        return self.context["request"].path + value


class LinkedByField(Body):
    text = LinkedField()


class LinkedByMethod(Body):
    link = serializers.SerializerMethodField()

    def get_link(self, instance: Any) -> str:
        return self.context["request"].path


class Detailed(Body):
    def to_representation(self, instance: Any) -> Any:
        return {"is_detail": self.instance is not None and bool(self.instance)}


class Keeping(Body):
    @functools.cached_property
    def rows(self) -> int:
        return Parent.objects.count()

    @functional.cached_property
    def more_rows(self) -> int:
        return Parent.objects.count()

    def create(self, validated_data: Any) -> Any:
        return {"text": f"{self.rows} {self.more_rows}"}


@pytest.mark.parametrize(
    "serializer_class",
    [
        Remembering, NestedRemembering, Curious, Asking, Chosen, Linked, LinkedByField,
        LinkedByMethod, Detailed, Keeping,
    ],
)  # fmt: skip
def test_a_serializer_knows_its_own_request_and_no_other(
    tables: None, serializer_class: Any
) -> None:
    for body in ({"text": "a", "part": {"text": "b"}}, {"text": "c"}, {"text": "d", "more": 1}, {}):
        both(
            "create",
            request=(JSON, body),
            serializer_class=serializer_class,
            coalesce=(False,),
            list=None,
        )
        Parent.objects.create(label="one more")


def test_hooks_of_a_serializer_that_is_chosen_for_each_request_are_refused() -> None:
    class Saving(Body):
        def save(self, **kwargs: Any) -> Any:
            return super().save(**kwargs)

    copied = view(get_serializer_class=lambda self: Saving)
    with pytest.raises(ImproperlyConfigured, match="save is not called"):
        answer(copied, rf.post("/", {"text": "a"}, JSON), "create")


# --- Views -------------------------------------------------------------------------------------


def test_an_action_may_have_options_of_its_own() -> None:
    class Password(serializers.Serializer):
        password = serializers.UUIDField()

    class Acting(SampleViewSet):
        @action(
            detail=True, methods=["post"], serializer_class=Password, pagination_class=None,
            filter_backends=[],
        )  # fmt: skip
        def change(self, request: Any, pk: str) -> Response:
            serializer = self.get_serializer(data=request.data)
            serializer.is_valid(raise_exception=True)
            return Response({"path": serializer.context["request"].path})

    router = DefaultRouter()
    router.register("samples", Acting)
    (route,) = [url for url in router.urls if url.name == "sample-change" and "format" not in
                str(url.pattern)]  # fmt: skip
    request = rf.post("/samples/1/change/", {"password": "x"}, JSON)
    assert route.callback(request, pk="1").status_code == 400


class Marking(BasePermission):
    """Writes on the instance, as a serializer may read it."""

    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        obj.text = request.headers["Caller"]
        barrier.wait(60)
        return True


barrier = Barrier(2)


def test_what_a_permission_writes_on_an_instance_is_for_its_request_alone(
    tables: None, monkeypatch
) -> None:
    (sample,) = make_samples(1)
    # As for two requests whose instances come of one statement.
    monkeypatch.setattr("common.fast.mixins.shared_instances", lambda _: lambda pks: [sample])
    copied = view(coalesce=True, permission_classes=[Marking])
    with ThreadPoolExecutor(2) as requests:
        answers = [
            requests.submit(
                answer, copied, rf.get("/", headers={"Caller": caller}), "retrieve", pk="1"
            )
            for caller in ("ankur", "beatrix")
        ]
        texts = [one.result(10)[1].split(b'"text":"')[1] for one in answers]
    assert [text.split(b'"')[0] for text in texts] == [b"ankur", b"beatrix"]


def test_instances_of_a_statement_are_by_id(tables: None) -> None:
    one, two = make_samples(2)
    found = shared_instances(Sample.objects.all()).function([two.pk, -(2**70), one.pk, two.pk])
    assert found == [two, None, one, two]
