"""The JSON of a serializer's fields as an SQL expression, so that Python only passes text on.

A list of 100,000 rows takes a fifteenth of the time that REST framework's serializers need, and no
memory for model instances.
"""

from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import models
from django.db.models import Expression, F, Field, Func, QuerySet, TextField, Value
from django.db.models.functions import Cast, Coalesce
from django.db.models.query_utils import DeferredAttribute
from rest_framework import serializers
from rest_framework.settings import api_settings

from common.api.fields import UTCDateTimeField
from common.fast.refusals import require_stock

# What a model or a serializer may do with each instance, and SQL would pass over.
MODEL_HOOKS = ("__init__", "from_db")
SERIALIZER_HOOKS = ("__init__", "get_fields", "to_representation", "data", "many_init")
SerializerField = serializers.Field[Any, Any, Any, Any]

TEXT = (models.CharField, models.EmailField, models.SlugField, models.TextField, models.URLField)
INTEGER = (
    models.AutoField,
    models.BigAutoField,
    models.SmallAutoField,
    models.IntegerField,
    models.BigIntegerField,
    models.SmallIntegerField,
    models.PositiveIntegerField,
    models.PositiveBigIntegerField,
    models.PositiveSmallIntegerField,
)
# The column types that each serializer field supports. Only these give the same bytes as REST
# framework, and only if a subclass of the field does not override its representation.
SUPPORTED = {
    serializers.IntegerField: INTEGER,
    serializers.BigIntegerField: INTEGER,
    serializers.CharField: TEXT,
    serializers.BooleanField: (models.BooleanField,),
    UTCDateTimeField: (models.DateTimeField,),
}


def json_rows(queryset: QuerySet[Any], serializer_class: Any) -> QuerySet[Any]:
    """Return the queryset with the serializer's JSON of each row as `json`.

    Raises ImproperlyConfigured if PostgreSQL would not write the same JSON as the serializer.
    """
    model = queryset.model
    list_class = getattr(getattr(serializer_class, "Meta", None), "list_serializer_class", None)
    require_stock(model, MODEL_HOOKS, "is not called for a list")
    for cls in (serializer_class, list_class or serializers.ListSerializer):
        require_stock(cls, SERIALIZER_HOOKS, "is not called for a list")
    fields = serializer_class().fields.items()
    members = {
        name: json_of(field, model, f"{serializer_class.__name__}.{name}")
        for name, field in fields
        if not field.write_only
    }
    rows: QuerySet[Any] = queryset.annotate(json=JSONText(**members))
    return rows


def json_of(field: SerializerField, model: type[models.Model], name: str) -> Expression | F:
    """Return the SQL expression for a field's JSON value."""
    kind = next((k for k in SUPPORTED if represents_as(field, k)), None)
    source = str(field.source).split(".")
    columns = find_columns(model, source)
    if kind is None or not columns or type(columns[-1]) not in SUPPORTED[kind]:
        raise ImproperlyConfigured(
            f"common.fast cannot list {name} ({type(field).__name__} of {field.source}), only"
            " integers, texts, booleans and UTCDateTimeField, each of a column of the same type."
            " For other fields, use ListModelMixin from rest_framework."
        )
    relations: list[Any] = columns[:-1]
    if any(relation.null for relation in relations) and not (
        field.allow_null and field.default is serializers.empty
    ):
        raise ImproperlyConfigured(
            f"{name} follows a relation that may be null. Give the field allow_null=True and no"
            " default, so that its value is null in that case."
        )
    if any(not (relation.null or relation.db_constraint) for relation in relations):
        raise ImproperlyConfigured(
            f"{name} follows a ForeignKey with db_constraint=False. Give that null=True, so that"
            " rows without their related row stay in the list."
        )
    path: Expression | F = F("__".join(field.source_attrs))
    if kind is UTCDateTimeField:
        require_utc()
        path = Func(path, Value(r'\"YYYY-MM-DD"T"HH24:MI:SS.US"Z"\"'), function="to_char")
    elif not issubclass(kind, serializers.IntegerField):
        path = Func(path, function="to_json")
    # Concatenation with NULL is NULL, so one NULL would lose the whole row.
    is_nullable = any(column.null for column in columns)
    return Coalesce(Cast(path, TextField()), Value("null")) if is_nullable else path


def represents_as(field: SerializerField, kind: type[SerializerField]) -> bool:
    """Return whether a field reads and writes its value exactly as the `kind` does."""
    cls = type(field)
    if kind is serializers.BigIntegerField and (
        getattr(field, "coerce_to_string", api_settings.COERCE_BIGINT_TO_STRING)
    ):
        return False
    return (
        isinstance(field, kind)
        and cls.to_representation is kind.to_representation
        and cls.get_attribute is serializers.Field.get_attribute
    )


def find_columns(model: type[models.Model], path: list[str]) -> list[Field]:
    """Return the foreign keys of a path and its last column; [] if it has any other parts."""
    columns: list[Field] = []
    for name in path:
        try:
            column = model._meta.get_field(name)
        except FieldDoesNotExist:
            return []
        if not isinstance(column, Field) or (name != column.name):
            return []
        if not isinstance(getattr(model, column.attname, None), DeferredAttribute):
            return []  # A property of the model hides it.
        columns.append(column)
        model = column.related_model or model
    is_joined = all(isinstance(column, models.ForeignKey) for column in columns[:-1])
    return columns if is_joined else []


def require_utc() -> None:
    """Refuse connections with another time zone, in which PostgreSQL would write times."""
    if not settings.USE_TZ or any(one.get("TIME_ZONE") for one in settings.DATABASES.values()):
        raise ImproperlyConfigured(
            "A list with a UTCDateTimeField needs USE_TZ = True, and DATABASES without TIME_ZONE."
        )


class JSONText(Func):
    """A JSON object concatenated as text; PostgreSQL's JSON functions take twice as long."""

    template = "%(expressions)s"
    arg_joiner = " || "
    output_field = TextField()

    def __init__(self, **members: Expression | F) -> None:
        parts: list[Any] = []
        for name, value in members.items():
            parts += [Value(f"{',' if parts else '{'}{orjson.dumps(name).decode()}:"), value]
        super().__init__(*(parts or [Value("{")]), Value("}"))
