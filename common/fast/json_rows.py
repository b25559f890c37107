"""The JSON of a serializer's fields as an SQL expression, so that Python only passes text on.

A list of 100,000 rows takes a fifteenth of the time that REST framework's serializers need, and no
memory for model instances.
"""

from typing import Any

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import models
from django.db.models import Expression, F, Field, Func, QuerySet, TextField, Value
from django.db.models.functions import Cast, Coalesce
from rest_framework import serializers
from rest_framework.settings import api_settings

from common.api.fields import UTCDateTimeField

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
    """Return the queryset as pairs of the id and the serializer's JSON.

    Raises ImproperlyConfigured if PostgreSQL would not write the same JSON as the serializer.
    """
    require_stock_serializer(serializer_class)
    fields = serializer_class().fields.items()
    row = JSONText(
        **{
            name: json_of(field, queryset.model, f"{serializer_class.__name__}.{name}")
            for name, field in fields
            if not field.write_only
        }
    )
    rows: QuerySet[Any] = queryset.annotate(json=row).values_list("pk", "json")
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
    if any(relation.null for relation in columns[:-1]) and not (
        field.allow_null and field.default is serializers.empty
    ):
        raise ImproperlyConfigured(
            f"{name} follows a relation that may be null. Give the field allow_null=True and no"
            " default, so that its value is null in that case."
        )
    path: Expression | F = F("__".join(source))
    if kind is UTCDateTimeField:
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
        columns.append(column)
        model = column.related_model or model
    is_joined = all(isinstance(column, models.ForeignKey) for column in columns[:-1])
    return columns if is_joined else []


def require_stock_serializer(serializer_class: Any) -> None:
    """Reject a serializer that overrides how an instance is written, which SQL would ignore."""
    for name in ("to_representation", "get_fields", "__init__"):
        stock = (
            getattr(serializers.Serializer, name),
            getattr(serializers.ModelSerializer, name),
            getattr(serializers.BaseSerializer, name, None),
        )
        if getattr(serializer_class, name) not in stock:
            raise ImproperlyConfigured(
                f"{serializer_class.__name__} overrides {name}, which common.fast does not call for"
                " a list. Use ListModelMixin from rest_framework."
            )


class JSONText(Func):
    """A JSON object concatenated as text; PostgreSQL's JSON functions take twice as long."""

    template = "%(expressions)s"
    arg_joiner = " || "
    output_field = TextField()

    def __init__(self, **members: Expression | F) -> None:
        names = [Value(f',"{name}":') for name in members]
        names[0] = Value("{" + names[0].value[1:])
        parts = [part for member in zip(names, members.values(), strict=True) for part in member]
        super().__init__(*parts, Value("}"))
