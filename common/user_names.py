"""What both services agree on about users. Delete this file where nothing is called a user."""

from typing import Any

from common.api.fields import StrictCharField

NAME_LENGTH = 80


class NameField(StrictCharField):
    """A user's name."""

    openapi = {
        # A character that is not white space somewhere, and no NUL.
        "pattern": r"^[^\u0000]*[^\s\u0000\u001c-\u001f][^\u0000]*$",
        "example": "ankur",
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=NAME_LENGTH, **options)
