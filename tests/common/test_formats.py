"""What a view says about formats, errors and bodies, whatever its mixins are."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import RequestFactory
from rest_framework import authentication, exceptions, serializers, throttling, versioning
from rest_framework.renderers import BaseRenderer

from common.api.renderers import JSONRenderer
from tests.common.samples import SampleViewSet, tables
from tests.common.test_drop_in import JSON, Body, answer, both
from tests.common.test_refusals import make_samples

__all__ = ["tables"]

rf = RequestFactory()


class CSV(BaseRenderer):
    media_type = "text/csv"
    format = "csv"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return b"csv"


@pytest.mark.parametrize(
    ("accept", "suffix"),
    [("text/csv", {}), ("text/*", {}), ("*/*", {"format": "csv"}), ("text/csv, */*;q=0.1", {})],
)
def test_a_client_gets_the_format_that_it_asks_for(
    tables: None, accept: str, suffix: dict[str, str]
) -> None:
    """A view's own renderer was passed over unless `?format=` named it."""
    make_samples(1)
    _, body, _ = both(
        renderer_classes=[JSONRenderer, CSV], request=("get", {"Accept": accept}), kwargs=suffix
    )
    assert body == b"csv"


@pytest.mark.parametrize("accept", ["", "*/*", "text/plain", "image/png, */*;q=0.5", "x"])
def test_other_clients_get_json(tables: None, accept: str) -> None:
    _, body, _ = both(
        renderer_classes=[JSONRenderer, CSV], request=("get", {"Accept": accept}), coalesce=()
    )
    assert body == b"[]"


def test_a_version_in_the_accept_header_is_read(tables: None) -> None:
    versions = []

    class Versioned(SampleViewSet):
        versioning_class = versioning.AcceptHeaderVersioning

        def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
            super().initial(request, *args, **kwargs)
            versions.append(request.version)

    answer(Versioned, rf.get("/", headers={"Accept": "application/json; version=2"}))
    assert versions == ["2"]


class Refusing(authentication.BaseAuthentication):
    def authenticate(self, request: Any) -> None:
        raise exceptions.AuthenticationFailed({"token": ["It is not valid."]})

    def authenticate_header(self, request: Any) -> str:
        return "Bearer"


class Never(throttling.BaseThrottle):
    def allow_request(self, request: Any, view: Any) -> bool:
        return False

    def wait(self) -> float:
        return 7


@pytest.mark.parametrize("own", [{}, {"renderer_classes": [JSONRenderer]}])
def test_an_error_has_its_headers_and_fields_whatever_renders_it(own: dict[str, Any]) -> None:
    """They were left out where a view had renderers of its own."""
    status, body, headers = both(authentication_classes=[Refusing], **own)
    assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
    assert b'"fields"' in body
    status, _, headers = both(throttle_classes=[Never], **own)
    assert (status, headers["Retry-After"]) == (429, "7")


def test_a_permission_that_django_denies_does_not_look_like_a_wrong_address() -> None:
    def deny(view: Any) -> None:
        raise PermissionDenied("Only owners may look.")

    status, body, _ = both(get_queryset=deny, coalesce=(False,))
    assert (status, body) == (403, b'{"error":"Only owners may look."}')


@pytest.mark.parametrize(
    ("detail", "sentence"),
    [(["One.", "Two."], "One. Two."), ("One.", "One."), ([], "The request is not valid."),
     ([{}, {"text": ["One.", "Two."]}, {"text": ["Three."]}], "One. Three.")],
)  # fmt: skip
def test_all_messages_of_an_error_are_in_its_sentence(detail: Any, sentence: str) -> None:
    class Failing(SampleViewSet):
        def get_queryset(self) -> Any:
            raise exceptions.ValidationError(detail)

    assert answer(Failing, rf.get("/"))[1] == b'{"error":"%s"}' % sentence.encode()


def test_the_sentence_names_what_is_wrong_also_behind_what_is_not() -> None:
    body = {"parts": [{"text": "a"}, {}], "text": "a"}

    class Whole(Body):
        parts = Body(many=True)

    _, answered, _ = both("create", request=(JSON, body), serializer_class=Whole, list=None,
                          coalesce=(False,))  # fmt: skip
    assert b'{"error":"parts: This field is required."' in answered


def test_integers_beyond_64_bits_arrive_as_they_were_sent() -> None:
    class Amount(Body):
        text = serializers.DecimalField(max_digits=30, decimal_places=0)

    for digits in (str(-(2**63) - 1), str(2**64), "123456789012345678901234567890"):
        status, answered, _ = both(
            "create", request=(JSON, f'{{"text":{digits}}}'), serializer_class=Amount, list=None,
            coalesce=(False,),
        )  # fmt: skip
        assert (status, answered) == (201, f'{{"text":"{digits}"}}'.encode())
    for body in ("9" * 5000, '{"text":' + "9" * 5000 + "}", "[" * 1020 + "9" * 19 + "]" * 1020):
        status, _, _ = both("create", request=(JSON, body), serializer_class=Amount, list=None,
                            coalesce=(False,))  # fmt: skip
        assert status == 400


def test_a_file_may_have_any_bytes_and_a_text_may_not() -> None:
    class Upload(Body):
        file = serializers.FileField(write_only=True)

    def upload(text: bytes) -> Any:
        part = b'--x\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n%b\r\n'
        body = part % (b"text", b"", text) + part % (b"file", b'; filename="a"', b"\x89\xff")
        return both(
            "create", request=("multipart/form-data; boundary=x", body + b"--x--\r\n"),
            serializer_class=Upload, list=None, coalesce=(False,),
        )  # fmt: skip

    assert upload("ä".encode())[:2] == (201, '{"text":"ä"}'.encode())
    assert upload(b"\xff")[0] == 400
