"""Drop-in replacements for REST framework's mixins, in a fraction of their time.

A serializer whose fields all requests share takes a third of the time of one that is made for each
POST. Coalescing concurrent reads doubles the rate of pages and of `GET /users/{id}`.
"""

from collections.abc import Sequence
from copy import copy
from functools import lru_cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.views import View
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSetMixin

from common.api.fields import LARGEST_ID, SMALLEST_ID
from common.api.pagination import KeysetPagination, require_keyset
from common.api.renderers import JSONRenderer
from common.database.coalescing import Coalesced, coalesced
from common.fast import refusals
from common.fast.json_rows import json_rows
from common.fast.lists import FIRST_BATCH, JSONList, Page, brackets, whole_list

JSON = "application/json"
ACTIONS = frozenset({"create", "retrieve", "list"})


class FastMixin:
    """Base class of the mixins below.

    `coalesce = True` declares that all clients see the same rows, apart from those that a
    ParameterFilter leaves out. Concurrent requests then share a statement.
    """

    coalesce = False

    def __init_subclass__(cls, **options: Any) -> None:
        """Refuse a class whose as_view would not be the one below."""
        super().__init_subclass__(**options)
        bases = cls.__mro__[: cls.__mro__.index(FastMixin)]
        if View in bases or ViewSetMixin in bases:
            raise ImproperlyConfigured(
                f"{cls.__module__}.{cls.__name__}: put the mixins of common.fast before the view"
                " or viewset, whose as_view would otherwise take the place of theirs."
            )

    @classmethod
    def as_view(cls, *actions: Any, **options: Any) -> Any:
        """Refuse what these mixins would pass over, and return the view."""
        routed = ACTIONS.intersection(actions[0].values()) if actions else ACTIONS
        cls(**options).refuse_unsupported(routed)
        return super().as_view(*actions, **options)  # type: ignore[misc]

    def refuse_unsupported(self, actions: frozenset[str]) -> None:
        """Raise ImproperlyConfigured where one of our actions would not do what the view says."""
        if actions:
            refusals.require_stock(type(self), ("get_serializer",), "is not called")
        if actions - {"list"} and self.serializer_class:
            shared_serializer(self.serializer_class)
        if self.coalesce and actions - {"create"}:
            refusals.require_shared(self)

    def make_serializer(self, **attributes: Any) -> Any:
        """Return a serializer for this request; its fields may be those of all requests."""
        serializer_class = self.get_serializer_class()
        shared = shared_serializer(serializer_class)
        if shared is None:
            serializer = serializer_class()
        else:  # a shallow copy, in less time than copy() takes
            serializer = object.__new__(serializer_class)
            vars(serializer).update(vars(shared))
        vars(serializer).update(attributes, _context=self.get_serializer_context())
        return serializer


# Fields that look at nothing but their value, so that requests can share them.
SHAREABLE = (
    serializers.BigIntegerField,
    serializers.BooleanField,
    serializers.CharField,
    serializers.ChoiceField,
    serializers.DateField,
    serializers.DateTimeField,
    serializers.DecimalField,
    serializers.EmailField,
    serializers.FloatField,
    serializers.IntegerField,
    serializers.PrimaryKeyRelatedField,
    serializers.UUIDField,
)


@lru_cache
def shared_serializer(serializer_class: Any) -> Any:
    """Return a serializer to copy for each request, or None if requests cannot share its fields."""
    refusals.require_stock(serializer_class, refusals.SERIALIZER_HOOKS, "is not called")
    serializer = serializer_class()
    if not all(is_shareable(field) for field in serializer.fields.values()):
        return None
    list(serializer.validators)  # They are made on first use, and the copies share them.
    return serializer


def is_shareable(field: Any) -> bool:
    """Return whether a field depends neither on a request nor on code that may do so."""
    is_known = type(field) in SHAREABLE or is_from(field, "common.")
    # REST framework's own validators ask the field only for its place in the serializer.
    foreign = [one for one in field.validators if not is_from(one, "rest_framework.")]
    asking = [field.default, *foreign]
    return is_known and not any(getattr(one, "requires_context", False) for one in asking)


def is_from(value: Any, package: str) -> bool:
    """Return whether a value's class is part of a package."""
    return type(value).__module__.startswith(package)


class CreateModelMixin(FastMixin, mixins.CreateModelMixin):
    """Provides `create`."""

    def refuse_unsupported(self, actions: frozenset[str]) -> None:
        super().refuse_unsupported(actions)
        if "create" in actions:
            refusals.require_stock(type(self), ("perform_create",), "is not called")

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.make_serializer(initial_data=request.data)
        serializer.instance = serializer.create(serializer.run_validation(request.data))
        data = serializer.to_representation(serializer.instance)
        headers = self.get_success_headers(data)
        return Response(data, status=status.HTTP_201_CREATED, headers=headers)


class RetrieveModelMixin(FastMixin, mixins.RetrieveModelMixin):
    """Provides `retrieve`; with `coalesce`, concurrent requests share a statement."""

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        is_plain = self.coalesce and not request.META.get("QUERY_STRING")
        instance = self.find(kwargs["pk"]) if is_plain else self.get_object()
        serializer = self.make_serializer(instance=instance)
        return Response(serializer.to_representation(instance))

    def find(self, pk: Any) -> Any:
        """Return the instance of an id, together with those of other requests."""
        try:
            number = int(pk)
        except ValueError as error:
            raise Http404 from error
        (instance,) = shared_instances(self.queryset)([number])
        if instance is None:
            raise Http404
        if self.permission_classes:  # They may write on it, and other requests have it too.
            instance = copy(instance)
        self.check_object_permissions(self.request, instance)
        return instance


@lru_cache
def shared_instances(queryset: QuerySet[Any]) -> Coalesced[int, Any]:
    """Return a coalesced function that selects instances by id, with None for a missing one."""

    def select(pks: Sequence[int]) -> list[Any]:
        found = queryset.in_bulk({pk for pk in pks if abs(pk) <= LARGEST_ID})
        return [found.get(pk) for pk in pks]

    return coalesced(select, using=queryset.db)


class ListModelMixin(FastMixin, mixins.ListModelMixin):
    """Provides `list` by ascending id: a page if `page_size` is given, else all rows, streamed."""

    def refuse_unsupported(self, actions: frozenset[str]) -> None:
        super().refuse_unsupported(actions)
        if "list" in actions:
            refusals.require_list(self)
            if self.queryset is not None and self.serializer_class is not None:
                json_rows(self.queryset, self.serializer_class)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        if type(request.accepted_renderer) is not JSONRenderer:
            return super().list(request, *args, **kwargs)
        after, size = SMALLEST_ID, None
        if request.META.get("QUERY_STRING"):
            after, size = self.paginator.get_bounds(request)
        rows, is_shared = self.get_json_list(request)
        get_page = rows.coalesced_page if is_shared else rows.page
        first = get_page(after, size or FIRST_BATCH)
        if size or not first.has_more:
            return page_response(first, self.paginator, request)
        if request.method == "HEAD":
            return StreamingHttpResponse(content_type=JSON)
        # If the database fails during the stream, the exception reaches the server, which aborts
        # the connection, so that a truncated list cannot be mistaken for a complete one.
        chunks = rows.stream(first, self.paginator.key)
        return StreamingHttpResponse(chunks, content_type=JSON)

    def get_json_list(self, request: Request) -> tuple[JSONList, bool]:
        """Return the list for a request, and whether all requests share it."""
        if not self.coalesce:
            queryset = self.filter_queryset(self.get_queryset())
            require_keyset(queryset)
            return JSONList(json_rows(queryset, self.get_serializer_class())), False
        everything = whole_list(self.queryset, self.serializer_class)
        if not request.META.get("QUERY_STRING"):
            return everything, True
        queryset = everything.queryset.all()  # A filter might evaluate it.
        rows = self.filter_queryset(queryset)
        if rows is queryset:
            return everything, True
        require_keyset(rows)
        return JSONList(rows), False


def page_response(page: Page, paginator: KeysetPagination, request: Request) -> HttpResponse:
    """Return the answer with a page and, if there is a next one, a Link header to it."""
    if page.has_more and page.last is not None:
        paginator.link_next(request, page.last)
    opening, closing = brackets(paginator.key)
    body = opening + page.json + closing
    return HttpResponse(body, content_type=JSON, headers=paginator.get_headers())
