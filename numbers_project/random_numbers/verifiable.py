"""Views of verifiable draws, which are routed only where DRAW_SECRET is set."""

from pathlib import Path
from typing import Any

from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from numbers_project.random_numbers import commitments

PROGRAM = Path(__file__).with_name("verify.py")


class CommitmentSerializer(serializers.Serializer[commitments.Commitment]):
    """What is published about a day."""

    day = serializers.DateField(help_text="In UTC.")
    commitment = serializers.CharField(help_text="The SHA-256 of the day's key, hexadecimal.")
    key = serializers.CharField(
        allow_null=True, help_text="The key, hexadecimal; null before the day has ended."
    )


class CommitmentsSerializer(serializers.Serializer[Any]):
    """The answer of /commitments."""

    commitments = CommitmentSerializer(many=True)


class DaySerializer(serializers.Serializer[Any]):
    """The query parameters."""

    day = serializers.DateField(required=False, help_text="Only this day, as in 2026-11-28.")


class CommitmentsView(APIView):
    """The commitments to the keys of the next seven days, of today and of the last thirty days.

    Keys of days that have ended are published too. With them, /verify.py recomputes the numbers of
    a draw that was sent with an Idempotency-Key from its answer.
    """

    authentication_classes = ()  # public: receipts are for anybody to check
    permission_classes = ()

    @extend_schema(parameters=[DaySerializer], responses=CommitmentsSerializer)
    def get(self, request: Request) -> Response:
        query = DaySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        if day := query.validated_data.get("day"):
            found = [one for one in [commitments.publish(day)] if one]
        else:
            found = commitments.published()
        return Response(CommitmentsSerializer({"commitments": found}).data)


def program(request: HttpRequest) -> HttpResponseBase:
    """Return verify.py, which needs nothing but Python."""
    return FileResponse(PROGRAM.open("rb"), content_type="text/x-python; charset=utf-8")
