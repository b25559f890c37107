"""A row of a list equals the answer of the detail, byte for byte, for all supported fields."""

from datetime import UTC, datetime

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework import mixins as rest_mixins
from rest_framework import serializers
from rest_framework import viewsets as rest_viewsets

from common.api.fields import StrictCharField, StrictIntegerField, UTCDateTimeField
from tests.common.samples import Parent, Sample, SampleViewSet, get, serializer, tables, view

__all__ = ["tables"]

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=80)
TIME = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
VALUES = st.fixed_dictionaries(
    {
        "text": TEXT,
        "long_text": st.none() | TEXT,
        "slug": st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=50),
        "email": TEXT,
        "whole": st.integers(-(2**31), 2**31 - 1),
        "big": st.none() | st.integers(-(2**63), 2**63 - 1),
        "small": st.integers(0, 2**15 - 1),
        "flag": st.booleans(),
        "maybe": st.none() | st.booleans(),
        "time": TIME,
        "later": st.none() | TIME,
    }
)
# All supported fields: those that ModelSerializer derives, and declared ones.
DERIVED = ["id", "text", "long_text", "slug", "email", "whole", "big", "small", "flag", "maybe"]
DECLARED = {
    "time": lambda: UTCDateTimeField(),
    "later": lambda: UTCDateTimeField(read_only=True),
    "renamed": lambda: StrictCharField(source="text"),
    "optional": lambda: serializers.CharField(source="long_text", required=False),
    "number": lambda: StrictIntegerField(source="big", allow_null=True),
    "pattern": lambda: serializers.RegexField("x", source="slug"),
    "label": lambda: serializers.CharField(source="parent.label", allow_null=True),
    "owner_name": lambda: serializers.CharField(source="owner.label"),
    "owner_id": lambda: serializers.IntegerField(source="owner.id"),
    "secret": lambda: serializers.CharField(source="text", write_only=True),
}


class RestViewSet(rest_mixins.ListModelMixin, rest_viewsets.GenericViewSet):
    """REST framework's own ListModelMixin."""

    queryset = Sample.objects.order_by("id")


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    values=VALUES,
    names=st.lists(st.sampled_from([*DERIVED, *DECLARED]), min_size=1, unique=True),
    label=st.none() | TEXT,
)
def test_a_row_of_a_list_equals_the_detail_byte_for_byte(
    tables: None, values: dict[str, object], names: list[str], label: str | None
) -> None:
    derived = [name for name in names if name in DERIVED]
    declared = {name: DECLARED[name]() for name in names if name in DECLARED}
    if set(declared) == {"secret"} and not derived:
        derived = ["id"]
    attributes = {"serializer_class": serializer(*derived, **declared)}
    with transaction.atomic():
        owner = Parent.objects.create(label="owner")
        parent = None if label is None else Parent.objects.create(label=label)
        sample = Sample.objects.create(owner=owner, parent=parent, **values)
        detail = get(view(SampleViewSet, **attributes), pk=str(sample.pk)).getvalue()
        for coalesce in (False, True):
            listing = view(SampleViewSet, coalesce=coalesce, **attributes)
            for path in ("/", "/?page_size=1"):
                assert get(listing, path).getvalue() == b"[" + detail + b"]"
        assert get(view(RestViewSet, **attributes)).getvalue() == b"[" + detail + b"]"
        transaction.set_rollback(True)


@pytest.mark.parametrize("character", [chr(code) for code in (*range(1, 32), 34, 92, 127, 0x2028)])
def test_a_character_is_escaped_alike_in_a_list_and_a_detail(tables: None, character: str) -> None:
    owner = Parent.objects.create(label="owner")
    sample = Sample.objects.create(
        text=character, whole=1, small=1, flag=True, time=datetime.now(UTC), owner=owner
    )
    detail = get(SampleViewSet, pk=str(sample.pk)).getvalue()
    assert get(SampleViewSet).getvalue() == b"[" + detail + b"]"
