"""Serializer fields that take only what JSON itself calls text or a number."""

import re
from datetime import UTC
from typing import Any

from rest_framework import serializers
from rest_framework.utils import html

LARGEST_ID = 2**63 - 1
SMALLEST_ID = -(2**63)
DIGITS = re.compile(r"-?[0-9]{1,19}")  # as many as 64 bits have


class StrictCharField(serializers.CharField):
    """A text. REST framework's own field would also take numbers.

    A subclass may say more about itself for OpenAPI, such as a pattern or an example.
    """

    openapi: dict[str, Any] = {}

    def to_internal_value(self, data: Any) -> str:
        """Return the text without white space around it."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class UTCDateTimeField(serializers.DateTimeField):
    """A time in UTC, always with six digits of its second: "2026-11-22T10:00:00.123456Z".

    REST framework's own field leaves out zeros, and looks up the current time zone for each value.
    """

    def to_representation(self, value: Any) -> str:
        """Return the time as RFC 3339 has it."""
        time: str = value.astimezone(UTC).isoformat(timespec="microseconds")
        return time.replace("+00:00", "Z")


class StrictIntegerField(serializers.IntegerField):
    """An integer. Digits in a text are one only in a form, where everything is text."""

    def get_value(self, dictionary: Any) -> Any:
        """Return the number of a form's field, or whatever stands in JSON."""
        value = super().get_value(dictionary)
        from_form = html.is_html_input(dictionary) and isinstance(value, str)
        if from_form and DIGITS.fullmatch(value):
            return int(value)
        return value

    def to_internal_value(self, data: Any) -> int:
        """Return the number."""
        if isinstance(data, float) and data.is_integer():
            return int(data)  # also beyond 64 bits, for the bounds to refuse
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data
