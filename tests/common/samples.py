"""A model with a column of each type, and views of it, for the tests of common.fast."""

from typing import Any

import pytest
from django.db import connection, models
from django.http.response import HttpResponseBase
from django.test import RequestFactory
from rest_framework import serializers

from common.api.fields import UTCDateTimeField
from common.fast import mixins, viewsets


class Parent(models.Model):
    """The target of a sample's foreign keys."""

    label = models.CharField(max_length=80)

    class Meta:
        app_label = "users"
        db_table = "sample_parent"


class Sample(models.Model):
    """A column of each type that a list supports, and some that it does not."""

    text = models.CharField(max_length=80)
    long_text = models.TextField(null=True)
    slug = models.SlugField()
    email = models.EmailField()
    whole = models.IntegerField()
    big = models.BigIntegerField(null=True)
    small = models.PositiveSmallIntegerField()
    flag = models.BooleanField()
    maybe = models.BooleanField(null=True)
    time = models.DateTimeField()
    later = models.DateTimeField(null=True)
    price = models.DecimalField(max_digits=6, decimal_places=2, default=1)
    parent = models.ForeignKey(Parent, models.CASCADE, null=True)
    owner = models.ForeignKey(Parent, models.CASCADE, related_name="+")

    class Meta:
        app_label = "users"
        db_table = "sample"


class SampleSerializer(serializers.ModelSerializer[Sample]):
    """A serializer of supported fields."""

    class Meta:
        model = Sample
        fields = ["id", "text", "big"]


class SampleViewSet(
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.ListModelMixin,
    viewsets.GenericViewSet[Sample],
):
    """A view with all mixins of common.fast."""

    queryset = Sample.objects.order_by("id")
    serializer_class: Any = SampleSerializer


@pytest.fixture
def tables(as_owner: None, db: None) -> None:
    """The tables of both models."""
    with connection.schema_editor() as editor:
        editor.create_model(Parent)
        editor.create_model(Sample)


def view(base: Any = SampleViewSet, **attributes: Any) -> type[Any]:
    """Return a subclass of a view with the given attributes."""
    return type("CopiedViewSet", (base,), attributes)


def serializer(*names: str, **fields: Any) -> type[serializers.ModelSerializer[Sample]]:
    """Return a serializer class with derived fields (`names`) and declared ones (`fields`)."""
    meta = type("Meta", (), {"model": Sample, "fields": [*names, *fields]})
    return type("CopiedSerializer", (serializers.ModelSerializer,), {**fields, "Meta": meta})


def get(view_class: Any, path: str = "/", **kwargs: Any) -> HttpResponseBase:
    """Return a view's answer to `retrieve` if a pk is given, else to `list`."""
    action = "retrieve" if kwargs else "list"
    response = view_class.as_view({"get": action})(RequestFactory().get(path), **kwargs)
    return response.render() if hasattr(response, "render") else response


__all__ = [
    "Parent", "Sample", "SampleSerializer", "SampleViewSet", "UTCDateTimeField", "get",
    "serializer", "tables", "view",
]  # fmt: skip
