"""Rows as JSON that PostgreSQL writes, so that Python only passes text on."""

from functools import cache
from typing import Any

from django.db.models import Expression, F, Func, QuerySet, TextField, Value
from django.db.models.functions import Cast, Coalesce
from rest_framework import serializers

Row = tuple[int, str]  # id and JSON
Statement = tuple[str, tuple[Any, ...]]  # SQL and its parameters


def rows_as_json(queryset: QuerySet[Any], serializer_class: Any) -> QuerySet[Any]:
    """Return a view's rows as pairs of the id and the JSON that its serializer describes."""
    fields = serializer_class().fields.items()
    row = JSONText(**{name: json_of(field) for name, field in fields if not field.write_only})
    rows: QuerySet[Any] = queryset.annotate(json=row).values_list("pk", "json")
    return rows


# The same, made once for rows that all requests see.
shared_rows_as_json = cache(rows_as_json)


def join(rows: list[Row]) -> bytes:
    """Return the JSON of some rows, with commas between them."""
    return ",".join([json for _, json in rows]).encode()


def json_of(field: serializers.Field[Any, Any, Any, Any]) -> Expression | F:
    """Return the JSON of a column, as PostgreSQL writes it for a serializer's field."""
    column = F((field.source or "").replace(".", "__"))
    json: Expression | F
    if isinstance(field, serializers.IntegerField):
        json = column
    elif isinstance(field, serializers.DateTimeField):
        json = Func(column, Value(r'\"YYYY-MM-DD"T"HH24:MI:SS.US"Z"\"'), function="to_char")
    else:
        json = Func(column, function="to_json")
    # One null would make a null of the whole row.
    return Coalesce(Cast(json, TextField()), Value("null")) if field.allow_null else json


class JSONText(Func):
    """A JSON object put together as text: PostgreSQL's own functions take twice as long."""

    template = "%(expressions)s"
    arg_joiner = " || "
    output_field = TextField()

    def __init__(self, **members: Expression | F) -> None:
        names = [Value(f',"{name}":') for name in members]
        names[0] = Value("{" + names[0].value[1:])
        parts = [part for member in zip(names, members.values(), strict=True) for part in member]
        super().__init__(*parts, Value("}"))
