"""Rejects views that rely on hooks or options that these mixins would silently ignore.

It happens when the view is routed, so before the service answers its first request.
"""

from typing import Any, NoReturn

from django.core.exceptions import ImproperlyConfigured
from rest_framework.filters import OrderingFilter

from common.api.filters import ParameterFilter
from common.api.pagination import KeysetPagination, require_integer_key, require_keyset

SERIALIZER_HOOKS = ("__init__", "get_fields", "is_valid", "save", "data")
PAGINATION_HOOKS = ("paginate_queryset", "get_paginated_response")
# With `coalesce`, requests share a statement, so rows must not depend on the request.
REQUEST_HOOKS = ("get_queryset", "get_object", "filter_queryset", "get_serializer_class")
OURS = ("django.db.models.", "rest_framework.", "common.fast.", "common.api.")


def require_stock(cls: type, names: tuple[str, ...], reason: str) -> None:
    """Reject a class that overrides one of the given methods."""
    for name in names:
        owner = next((base for base in cls.__mro__ if name in vars(base)), object)
        if owner is not object and not f"{owner.__module__}.".startswith(OURS):
            refuse(cls, f"{owner.__name__}.{name} {reason}")


def require_list(view: Any) -> None:
    """Refuse a view whose list would not be what it says."""
    cls, pagination_class = type(view), view.pagination_class
    require_stock(cls, PAGINATION_HOOKS, "is not called for JSON")
    if not (isinstance(pagination_class, type) and issubclass(pagination_class, KeysetPagination)):
        refuse(cls, "pagination_class is not a KeysetPagination, which the list needs")
    require_stock(pagination_class, PAGINATION_HOOKS, "is not called for JSON")
    if any(issubclass(backend, OrderingFilter) for backend in view.filter_backends):
        refuse(cls, "filter_backends has an OrderingFilter, but pages follow each other by id")
    if view.queryset is not None:
        require_keyset(view.queryset)


def require_shared(view: Any) -> None:
    """Refuse a view with `coalesce` whose rows may depend on who asks."""
    cls = type(view)
    require_stock(cls, REQUEST_HOOKS, "may depend on the request. Remove `coalesce = True`")
    if view.queryset is None or (view.lookup_field, view.lookup_url_kwarg or "pk") != ("pk", "pk"):
        refuse(cls, "`coalesce = True` needs a queryset, and a lookup by pk")
    require_integer_key(view.queryset)
    for backend in view.filter_backends:
        if not issubclass(backend, ParameterFilter):
            refuse(cls, f"{backend.__name__} may depend on the request. Remove `coalesce = True`")
        require_stock(backend, ("filter_queryset",), "is not called without a query string")


def refuse(cls: type, reason: str) -> NoReturn:
    """Raise ImproperlyConfigured with the reason, and with a way out."""
    raise ImproperlyConfigured(
        f"{cls.__module__}.{cls.__name__}: {reason}. Change that, or use the mixins of the same"
        " names from rest_framework."
    )
