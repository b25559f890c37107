"""Serializer fields that take only what JSON itself calls text or a number."""

from typing import Any

from rest_framework import serializers
from rest_framework.utils import html


class TextField(serializers.CharField):
    """Text; REST framework's own field would also take numbers."""

    def to_internal_value(self, data: Any) -> str:
        """Return the text without white space around it."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class WholeNumberField(serializers.IntegerField):
    """A whole number; digits in a text are one only in a form, where everything is text."""

    def get_value(self, dictionary: Any) -> Any:
        """Return the number that stands in a form, or whatever stands in JSON."""
        value = super().get_value(dictionary)
        if (
            html.is_html_input(dictionary)
            and isinstance(value, str)
            and value.removeprefix("-").isdecimal()
        ):
            return super().to_internal_value(value)
        return value

    def to_internal_value(self, data: Any) -> int:
        """Return the number."""
        if isinstance(data, bool | str):
            self.fail("invalid")
        return super().to_internal_value(data)
