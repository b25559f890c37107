"""The rules for user names that both services follow. Delete this file if you have no users."""

from typing import Any
from unicodedata import category, normalize

from django import forms
from django.core.exceptions import ValidationError

from common.api.fields import StrictCharField

NAME_LENGTH = 80
JOINERS = "\u200c\u200d"  # Persian, Indic scripts and emoji need them inside a name.
GRAPHEME_JOINER = "\u034f"  # It joins nothing, and is invisible.
FILLERS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and symbols that look like a space
UNREADABLE = "Leave out control characters, line breaks and invisible characters."
INVISIBLE = "Begin and end with a visible character."


def normalized(name: str) -> str:
    """Return a name in Unicode's form NFC, in which an "é" is one character and not two."""
    return name if name.isascii() else normalize("NFC", name)


def spellings(name: str) -> list[str]:
    """Return the forms in which a name may be stored: as it is normalized, and as it was given.

    The latter is for those that were stored before names were normalized.
    """
    return list(dict.fromkeys((normalized(name), name)))


def validate_name(name: str) -> None:
    """Refuse a name that a person cannot see, or cannot tell from another one."""
    if name.isascii() and name.isprintable():
        return
    kinds = [category(character) for character in name if character not in JOINERS]
    if GRAPHEME_JOINER in name or any(kind[0] in "CZ" and kind != "Zs" for kind in kinds):
        raise ValidationError(UNREADABLE)
    if category(name[0])[0] in "CMZ" or name[0] in FILLERS or name[-1] in JOINERS + FILLERS:
        raise ValidationError(INVISIBLE)


class NameField(StrictCharField):
    """The name of a user to register."""

    # L, N, P, S, M and Zs are categories of Unicode.
    openapi = {
        "pattern": r"^(?![\u115f\u1160\u2800\u3164\uffa0])(?!.*[\u115f\u1160\u2800\u3164\uffa0]$)"
        r"(?!.*\u034f)[\p{L}\p{N}\p{P}\p{S}]"
        r"([\p{L}\p{N}\p{P}\p{S}\p{M}\p{Zs}\u200c\u200d]*[\p{L}\p{N}\p{P}\p{S}\p{M}])?$",
        "maxLength": NAME_LENGTH,
        "description": "White space around a name is removed. What is left is kept in Unicode's"
        " form NFC, whose characters are counted. Control characters, line breaks and invisible"
        " characters are refused, except for joiners (U+200C, U+200D) inside a name.",
        "example": "ankur",
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=NAME_LENGTH, **options)
        self.validators.append(validate_name)

    def to_internal_value(self, data: Any) -> str:
        """Return the name without surrounding white space, in the form NFC."""
        return normalized(super().to_internal_value(data))


class KnownNameField(StrictCharField):
    """The name of a registered user, as it was given, in any form that may be stored."""

    openapi = NameField.openapi


class NameFormField(forms.CharField):
    """The name of a user in the admin."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=NAME_LENGTH, validators=[validate_name], **options)

    def to_python(self, value: Any) -> str:
        """Return the name without surrounding white space, in the form NFC."""
        return normalized(super().to_python(value) or "")
