"""The rules for user names that both services follow. Delete this file if you have no users."""

from typing import Any

from common.api.fields import StrictCharField

NAME_LENGTH = 80


class NameField(StrictCharField):
    """A user's name."""

    openapi = {
        # At least one character that is not white space, and no NUL.
        "pattern": r"^[^\u0000]*[^\s\u0000\u001c-\u001f][^\u0000]*$",
        "example": "ankur",
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=NAME_LENGTH, **options)
