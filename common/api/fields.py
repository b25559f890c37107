"""Serializer fields that take only what JSON itself calls text or a number."""

import re
from datetime import UTC
from typing import Any

from rest_framework import serializers
from rest_framework.utils import html

NAME_LENGTH = 80
LARGEST_ID = 2**63 - 1
DIGITS = re.compile(r"-?[0-9]{1,19}")  # as many as 64 bits have


class NameField(serializers.CharField):
    """A user's name; REST framework's own field for text would also take numbers."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=NAME_LENGTH, **options)

    def to_internal_value(self, data: Any) -> str:
        """Return the name without white space around it."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class UTCTimeField(serializers.DateTimeField):
    """A moment, always with six digits of its second, as the lists that PostgreSQL writes have it.

    REST framework's own field would look up the current time zone for each.
    """

    def to_representation(self, value: Any) -> str:
        """Return the moment as RFC 3339 has it."""
        moment: str = value.astimezone(UTC).isoformat(timespec="microseconds")
        return moment.replace("+00:00", "Z")


class WholeNumberField(serializers.IntegerField):
    """A whole number; digits in a text are one only in a form, where everything is text."""

    def get_value(self, dictionary: Any) -> Any:
        """Return the number that stands in a form, or whatever stands in JSON."""
        value = super().get_value(dictionary)
        from_form = html.is_html_input(dictionary) and isinstance(value, str)
        if from_form and DIGITS.fullmatch(value):
            return int(value)
        return value

    def to_internal_value(self, data: Any) -> int:
        """Return the number."""
        if isinstance(data, float) and data.is_integer():
            return int(data)  # also what is larger than 64 bits, for the bounds to refuse
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data
