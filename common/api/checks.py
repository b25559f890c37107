"""System checks of the routed views, for mistakes that would otherwise go unnoticed."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from rest_framework.authentication import SessionAuthentication

from common.api.pagination import KeysetPagination, require_keyset


@register(Tags.urls)
def check_views(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check each REST framework view that the URL configuration routes."""
    patterns = import_string(f"{settings.ROOT_URLCONF}.urlpatterns")
    return [message for view in routed_views(patterns) for message in problems(view)]


def routed_views(patterns: Iterable[Any]) -> Iterator[Any]:
    """Yield the REST framework views of URL patterns, including nested ones."""
    for pattern in patterns:
        yield from routed_views(getattr(pattern, "url_patterns", ()))
        if hasattr(getattr(pattern, "callback", None), "cls"):
            yield pattern.callback


def problems(view: Any) -> Iterator[CheckMessage]:
    """Yield the errors of a view, from its class and its as_view options."""

    def option(name: str) -> Any:
        return view.initkwargs.get(name, getattr(view.cls, name, None))

    if any(issubclass(one, SessionAuthentication) for one in option("authentication_classes")):
        yield Error(
            f"{view.cls.__name__} uses SessionAuthentication, but only the admin has sessions, so"
            " every client would be anonymous.",
            hint="Use another authentication class, or replace common.admin.middleware by Django's"
            " own middleware for sessions, authentication, messages and CSRF.",
            id="common.E005",
        )
    if lacks_scope(option("permission_classes"), option("scope")):
        yield Error(
            f"{view.cls.__name__} has no scope, which its tokens would need.",
            hint='Declare one, such as scope = "users" for users:read and users:write, or make the'
            " view public by permission_classes = ().",
            id="common.E007",
        )
    queryset, pagination_class = option("queryset"), option("pagination_class")
    if queryset is not None and pagination_class and issubclass(pagination_class, KeysetPagination):
        if "list" not in getattr(view, "actions", {"get": "list"}).values():
            return
        try:
            require_keyset(queryset)
        except ImproperlyConfigured as error:
            yield Error(f"{view.cls.__name__}: {error}", id="common.E006")


def lacks_scope(permission_classes: Iterable[type], scope: str | None) -> bool:
    """Return whether a view requires tokens, but does not say with which scope."""
    if scope or not settings.HAS_TOKENS:
        return False
    from common.api.tokens import HasScope

    return any(issubclass(one, HasScope) for one in leaves(permission_classes))


def leaves(permission_classes: Iterable[Any]) -> Iterator[type]:
    """Yield the classes in permissions, which may be combined by the operators &, | and ~."""
    for one in permission_classes:
        if isinstance(one, type):
            yield one
        else:
            yield from leaves(
                vars(one)[name] for name in ("op1_class", "op2_class") if name in vars(one)
            )
