"""The same two services as a tutorial of Django REST framework would write them.

ModelViewSet, the ORM, sync workers, and Django's defaults: a new connection for each request.
`gunicorn textbook_drf`; PGHOST, PGPORT, PGDATABASE, PGUSER and PGPASSWORD say where the database is
and as which service it is entered.
"""

import os
import secrets

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

settings.configure(
    SECRET_KEY=secrets.token_urlsafe(40),
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    APPEND_SLASH=False,
    USE_TZ=True,
    TIME_ZONE="UTC",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "rest_framework",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ["PGDATABASE"],
        }
    },
)
django.setup()

from rest_framework import serializers, viewsets  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.routers import DefaultRouter  # noqa: E402


class User(models.Model):
    """Somebody who is registered."""

    name = models.CharField(max_length=80, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "textbook"
        managed = False
        db_table = '"users"."users_user"'

    def __str__(self) -> str:
        return self.name


class Number(models.Model):
    """A number that was drawn."""

    user = models.ForeignKey(User, models.DO_NOTHING, null=True, db_constraint=False)
    limit = models.BigIntegerField(default=1000)
    number = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "textbook"
        managed = False
        db_table = '"numbers"."random_numbers_generatednumber"'

    def __str__(self) -> str:
        return f"{self.number}"


class UserSerializer(serializers.ModelSerializer):
    """A user."""

    class Meta:
        model = User
        fields = ["id", "name"]


class NumberSerializer(serializers.ModelSerializer):
    """A number to draw, and the number that was drawn."""

    user = serializers.SlugRelatedField(slug_field="name", queryset=User.objects.only("id", "name"))
    limit = serializers.IntegerField(min_value=0, max_value=2**53 - 1, default=1000)
    randomNumber = serializers.IntegerField(source="number", read_only=True)
    createdAt = serializers.DateTimeField(source="created_at", read_only=True)

    class Meta:
        model = Number
        fields = ["id", "user", "limit", "randomNumber", "createdAt"]


class SavedNumberSerializer(serializers.ModelSerializer):
    """A number in the list."""

    username = serializers.CharField(source="user.name", read_only=True, allow_null=True)
    createdAt = serializers.DateTimeField(source="created_at", read_only=True)

    class Meta:
        model = Number
        fields = ["id", "username", "number", "limit", "createdAt"]


class UserViewSet(viewsets.ModelViewSet):
    """People who are registered."""

    queryset = User.objects.order_by("id").only("id", "name")
    serializer_class = UserSerializer


class NumberViewSet(viewsets.ModelViewSet):
    """Numbers that were drawn."""

    # The role may read two columns of the users.
    queryset = Number.objects.select_related("user").defer("user__created_at").order_by("id")

    def get_serializer_class(self) -> type[serializers.ModelSerializer]:
        return NumberSerializer if self.action == "create" else SavedNumberSerializer

    def perform_create(self, serializer: serializers.BaseSerializer) -> None:
        limit = serializer.validated_data["limit"]
        serializer.save(number=secrets.randbelow(limit + 1))

    def list(self, request: HttpRequest) -> Response:
        return Response({"savedNumbers": super().list(request).data})


def readyz(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


router = DefaultRouter(trailing_slash=False)
router.register("users", UserViewSet)
router.register("generate-random-number", NumberViewSet, basename="generate-random-number")
router.register("get-saved-numbers", NumberViewSet, basename="get-saved-numbers")
urlpatterns = [path("readyz", readyz), path("", include(router.urls))]
application = get_wsgi_application()
