"""Reads settings from the environment; a bad value raises an error that names its variable."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

EMPTY = "Neither {name} nor a file in {name}_FILE holds a value."


def text(name: str, default: str | None = None, allowed: Iterable[str] = ()) -> str:
    """Return a variable unchanged; without a default, it must be set."""
    value = os.environ.get(name) or default
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set, and it has no default.")
    if allowed and value not in allowed:
        raise ImproperlyConfigured(f"{name}={value!r} is not one of {', '.join(allowed)}.")
    return value


def integer(name: str, default: int, low: int, high: int) -> int:
    """Return a variable as an integer from low to high, inclusive."""
    value = text(name, str(default))
    if not (re.fullmatch("-?[0-9]{1,9}", value) and low <= int(value) <= high):
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number from {low} to {high}.")
    return int(value)


def boolean(name: str, default: bool) -> bool:
    """Return a variable that must be `true` or `false`."""
    return text(name, str(default).lower(), allowed=("true", "false")) == "true"


def words(name: str, default: str = "") -> list[str]:
    """Return the comma-separated values of a variable."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def one_of(*names: str) -> bool:
    """Return whether one of several variables is set; raise an error if more than one is."""
    found = [name for name in names if os.environ.get(name)]
    if len(found) > 1:
        raise ImproperlyConfigured(f"Set only one of {' and '.join(found)}.")
    return bool(found)


def secret(name: str) -> str:
    """Return a secret from NAME, or from the file that NAME_FILE names; there is no default."""
    value = optional_secret(name)
    if not value:
        raise ImproperlyConfigured(EMPTY.format(name=name))
    return value


def optional_secret(name: str, shortest: int = 1) -> str:
    """Return a secret of at least `shortest` characters, or "" if neither variable is set."""
    value = os.environ.get(name)
    path = os.environ.get(f"{name}_FILE")
    if not value and path:
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{name}_FILE={path!r} cannot be read: {error}") from error
        if not value:
            raise ImproperlyConfigured(EMPTY.format(name=name))
    if value and len(value) < shortest:
        raise ImproperlyConfigured(f"{name} has fewer than {shortest} characters.")
    return value or ""
