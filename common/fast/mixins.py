"""REST framework's mixins under their own names, in a fraction of the time.

A serializer that is made once takes 30 microseconds of a POST instead of 90. Rows that requests of
one moment read by one statement double the rate of pages and of `GET /users/{id}`.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404, HttpResponse, StreamingHttpResponse
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from common.api.fields import LARGEST_ID
from common.api.pagination import KeysetPagination, require_keyset
from common.api.renderers import JSONRenderer
from common.database.coalescing import Coalesced, coalesced
from common.fast import refusals
from common.fast.json_rows import json_rows
from common.fast.lists import FIRST_BATCH, JSONList, Page, brackets, whole_list

JSON = "application/json"


class FastMixin:
    """What the mixins below have in common.

    `coalesce = True` says that all clients see the same rows, apart from what a ParameterFilter
    selects: then requests of one moment share a statement.
    """

    coalesce = False
    not_called: ClassVar[tuple[str, ...]] = ("get_serializer", "get_serializer_context")

    @classmethod
    def as_view(cls, *args: Any, **options: Any) -> Any:
        """Refuse what these mixins would pass over, and return the view."""
        cls.refuse_unsupported(options)
        return super().as_view(*args, **options)  # type: ignore[misc]

    @classmethod
    def refuse_unsupported(cls, options: dict[str, Any]) -> None:
        """Raise ImproperlyConfigured where the class, or an option of as_view, is not supported."""
        refusals.require_stock(cls, cls.not_called, "is not called")
        queryset = options.get("queryset", cls.queryset)
        if options.get("coalesce", cls.coalesce):
            refusals.require_shared(cls, queryset)


@cache
def shared_serializer(
    serializer_class: type[serializers.Serializer[Any]],
) -> serializers.Serializer[Any]:
    """Return the one serializer of a class, which all requests use and none changes."""
    return serializer_class()


class CreateModelMixin(FastMixin, mixins.CreateModelMixin):
    """Offer `create`, with a serializer that is made once and has no context."""

    @classmethod
    def refuse_unsupported(cls, options: dict[str, Any]) -> None:
        super().refuse_unsupported(options)
        refusals.require_stock(cls, ("perform_create",), "is not called")
        if serializer_class := options.get("serializer_class", cls.serializer_class):
            refusals.require_stock(serializer_class, refusals.SERIALIZER_HOOKS, "is not called")

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = shared_serializer(self.get_serializer_class())
        instance = serializer.create(serializer.run_validation(request.data))
        data = serializer.to_representation(instance)
        headers = self.get_success_headers(data)
        return Response(data, status=status.HTTP_201_CREATED, headers=headers)


class RetrieveModelMixin(FastMixin, mixins.RetrieveModelMixin):
    """Offer `retrieve`; with `coalesce`, requests of one moment share a statement."""

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        is_plain = self.coalesce and not request.META.get("QUERY_STRING")
        instance = self.find(kwargs["pk"]) if is_plain else self.get_object()
        serializer = shared_serializer(self.get_serializer_class())
        return Response(serializer.to_representation(instance))

    def find(self, pk: str) -> Any:
        """Return the instance of an id, together with those of other requests."""
        if not pk.isdecimal():
            raise Http404
        (instance,) = shared_instances(self.queryset)([int(pk)])
        if instance is None:
            raise Http404
        self.check_object_permissions(self.request, instance)
        return instance


@cache
def shared_instances(queryset: QuerySet[Any]) -> Coalesced[int, Any]:
    """Return a function that selects instances by their ids; None stands for a missing one."""

    def select(pks: Sequence[int]) -> list[Any]:
        found = queryset.in_bulk({pk for pk in pks if pk <= LARGEST_ID})
        return [found.get(pk) for pk in pks]

    return coalesced(select)


class ListModelMixin(FastMixin, mixins.ListModelMixin):
    """Offer `list` by ascending id: a page where one is asked for, otherwise all rows, streamed."""

    @classmethod
    def refuse_unsupported(cls, options: dict[str, Any]) -> None:
        super().refuse_unsupported(options)
        queryset = options.get("queryset", cls.queryset)
        pagination_class = options.get("pagination_class", cls.pagination_class)
        refusals.require_list(cls, pagination_class, queryset)
        serializer_class = options.get("serializer_class", cls.serializer_class)
        if queryset is not None and serializer_class is not None:
            json_rows(queryset, serializer_class)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        if type(request.accepted_renderer) is not JSONRenderer:
            return super().list(request, *args, **kwargs)
        after, size = 0, None
        if request.META.get("QUERY_STRING"):
            after, size = self.paginator.get_bounds(request)
        rows, is_shared = self.get_json_list(request)
        get_page = rows.coalesced_page if is_shared else rows.page
        first = get_page(after, size or FIRST_BATCH)
        if size or not first.has_more:
            return page_response(first, self.paginator, request)
        if request.method == "HEAD":
            return StreamingHttpResponse(content_type=JSON)
        # Where the database fails on the way, the exception reaches the server, which cuts the
        # connection: a list that is not whole does not look whole.
        chunks = rows.stream(first, self.paginator.key)
        return StreamingHttpResponse(chunks, content_type=JSON)

    def get_json_list(self, request: Request) -> tuple[JSONList, bool]:
        """Return the rows that a request sees, and whether all requests see them."""
        if not self.coalesce:
            queryset = self.filter_queryset(self.get_queryset())
            require_keyset(queryset)
            return JSONList(json_rows(queryset, self.get_serializer_class())), False
        everything = whole_list(self.queryset, self.serializer_class)
        if not request.META.get("QUERY_STRING"):
            return everything, True
        rows = self.filter_queryset(everything.rows)
        return (everything, True) if rows is everything.rows else (JSONList(rows), False)


def page_response(page: Page, paginator: KeysetPagination, request: Request) -> HttpResponse:
    """Answer with a page, and a Link to the next one where there is one."""
    if page.has_more and page.last is not None:
        paginator.link_next(request, page.last)
    opening, closing = brackets(paginator.key)
    body = opening + page.json + closing
    return HttpResponse(body, content_type=JSON, headers=paginator.get_headers())
