"""Serializer fields that do not convert between text and numbers in JSON."""

import re
from datetime import UTC
from typing import Any

from django.http import QueryDict
from rest_framework import serializers

LARGEST_ID = 2**63 - 1
SMALLEST_ID = -(2**63)
DIGITS = re.compile(r"-?[0-9]{1,19}")  # enough for 64 bits


class StrictCharField(serializers.CharField):
    """Text. REST framework's own field also accepts numbers.

    A subclass may add to its OpenAPI schema, such as a pattern or an example.
    """

    openapi: dict[str, Any] = {}

    def to_internal_value(self, data: Any) -> str:
        """Return the text without surrounding white space."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class UTCDateTimeField(serializers.DateTimeField):
    """A time in UTC, always with microseconds: "2026-11-22T10:00:00.123456Z".

    REST framework's own field omits zero microseconds, and looks up the time zone for each value.
    """

    def to_representation(self, value: Any) -> str:
        """Return the time in RFC 3339 format."""
        time: str = value.astimezone(UTC).isoformat(timespec="microseconds")
        return time.replace("+00:00", "Z")


class StrictIntegerField(serializers.IntegerField):
    """An integer. Text with digits is accepted only from forms, where every value is text."""

    def get_value(self, dictionary: Any) -> Any:
        """Return the value from the request, converted to an integer if it is a form's digits."""
        value = super().get_value(dictionary)
        from_form = isinstance(dictionary, QueryDict) and isinstance(value, str)
        if from_form and DIGITS.fullmatch(value):
            return int(value)
        return value

    def to_internal_value(self, data: Any) -> int:
        """Return the number."""
        if isinstance(data, float) and data.is_integer():
            return int(data)  # The validators reject one beyond 64 bits.
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data
