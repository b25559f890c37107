"""One serializer of a class for all requests: none can change it, and it knows none of them."""

import functools
from functools import cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils import functional
from rest_framework import serializers

from common.fast.refusals import require_stock

CACHED = (functools.cached_property, functional.cached_property)
HOOKS = ("__init__", "get_fields", "is_valid", "save", "data")


class OfOneRequest:
    """An attribute that a serializer has in REST framework, where it is one request's."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name.lstrip("_")

    def __get__(self, serializer: Any, owner: type) -> Any:
        if serializer is None:
            return self
        raise refusal(serializer, f"uses its {self.name}")


class Shared:
    """A field, or a serializer, that all requests use."""

    def __setattr__(self, name: str, value: Any) -> None:
        if "_is_shared" in vars(self):
            raise refusal(self, f"sets {name}")
        super().__setattr__(name, value)


class Reader(Shared):
    """A serializer that validates what requests send."""

    _context = OfOneRequest()
    initial_data = OfOneRequest()


class Writer(Reader):
    """A serializer that represents instances."""

    instance = OfOneRequest()


@cache
def shared_serializer(serializer_class: Any, kind: type[Reader]) -> Any:
    """Return the one serializer of a class."""
    require_stock(serializer_class, HOOKS, "is not called for each request")
    serializer = serializer_class()
    for name in ("_context", "instance") if kind is Writer else ("_context",):
        del vars(serializer)[name]
    share(serializer, kind)
    return serializer


def share(field: Any, kind: Any) -> None:
    """Make what a field makes on first use, and then keep it as it is."""
    cls: Any = type(field)
    for base in cls.__mro__:
        names = [name for name, value in vars(base).items() if isinstance(value, CACHED)]
        require_stock(cls, tuple(names), "is not called for each request")
    field.__class__ = shared_class(cls, kind)
    parts = [*getattr(field, "fields", {}).values()]
    parts += [getattr(field, name) for name in ("child", "child_relation") if hasattr(field, name)]
    for part in parts:
        share(part, Shared)
    if isinstance(field, serializers.Field):
        _ = field.validators
    vars(field)["_is_shared"] = True


@cache
def shared_class(cls: Any, kind: Any) -> type:
    """Return a class of the same name whose instances are shared."""
    return type(cls.__name__, (kind, cls), {"__module__": cls.__module__})


def refusal(field: Any, what: str) -> ImproperlyConfigured:
    """Return the exception that says what a serializer, or one of its fields, may not do."""
    cls = type(field)
    return ImproperlyConfigured(
        f"{cls.__module__}.{cls.__name__} {what}, but common.fast makes a serializer once, for all"
        " requests. Take the mixins of the same names in rest_framework."
    )
