"""Request bodies, read through WSGI."""

import json
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

import pytest
from django.test import RequestFactory

from common.api.bodies import BODY_LIMIT, read_bodies
from users_project.wsgi import application


def post(body: Any, **environ: Any) -> tuple[int, dict[str, Any]]:
    """Post to /users through WSGI, and return the status and the answer."""
    environ = {"CONTENT_TYPE": "application/json", "wsgi.input": body, **environ}
    request = RequestFactory()._base_environ(PATH_INFO="/users", REQUEST_METHOD="POST", **environ)
    status = []
    chunks = application(request, lambda line, headers: status.append(int(line.split()[0])))
    return status[0], json.loads(b"".join(chunks))


def test_a_body_of_64_kib_is_accepted_and_one_byte_more_is_refused() -> None:
    frame = len('{"name": ""}')
    for length, status in ((BODY_LIMIT, 400), (BODY_LIMIT + 1, 413)):
        body = json.dumps({"name": "x" * (length - frame)}).encode()
        assert len(body) == length
        answer = post(BytesIO(body), CONTENT_LENGTH=str(length))
        assert answer[0] == status
    assert answer[1] == {"error": "The body is too large. Send at most 64 KiB."}


def test_a_chunked_body_is_read() -> None:
    body = BytesIO(b'{"name": ""}')
    status, answer = post(body, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")
    assert (status, list(answer["fields"])) == (400, ["name"])
    assert "blank" in answer["error"]


def test_a_truncated_body_is_refused() -> None:
    status, answer = post(BytesIO(b'{"name": "ankur"}'), CONTENT_LENGTH="99")
    assert (status, answer) == (400, {"error": "The body is incomplete. Send it again."})


@pytest.mark.parametrize("length", ["abc", "-5", "1.5", "\u0665"])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    assert post(BytesIO(b'{"name": "ankur"}'), CONTENT_LENGTH=length)[0] == 400


class BrokenStream:
    """A stream that raises an exception of its server."""

    def read(self, size: int) -> bytes:
        raise RuntimeError("malformed chunk")


def test_a_body_that_raises_when_read_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "common"):
        assert post(BrokenStream(), CONTENT_LENGTH="99")[0] == 400
    # It may be a fault of the server, too.
    assert "The body could not be read: RuntimeError" in caplog.text


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=hex",
        "application/json; charset=undefined",
        "application/x-www-form-urlencoded; charset=utf-16",
        "application/json; a*=bogus''%aa",
        "multipart/form-data; boundary*=bogus''x",
        'application/json; charset="hex"',
        "application/json ;CHARSET = hex",
    ],
)
def test_an_unsupported_charset_or_encoded_parameter_is_a_415(content_type: str) -> None:
    body = b'{"name": "ankur"}'
    status, answer = post(BytesIO(body), CONTENT_TYPE=content_type, CONTENT_LENGTH=str(len(body)))
    assert status == 415
    assert "in UTF-8" in answer["error"]


def test_the_stream_of_a_request_without_a_body_is_not_read() -> None:
    seen = []

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        seen.append(environ["wsgi.input"])
        return []

    stream = BrokenStream()
    read_bodies(application)({"wsgi.input": stream}, None)
    assert seen == [stream]


def test_a_cookie_that_would_take_long_to_parse_is_ignored() -> None:
    seen = []

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        seen.append("HTTP_COOKIE" in environ)
        return []

    for cookie in ('name="' + "\\" * 8000 + '"', "name=" + "x" * 8000, 'name="a\\054b"'):
        read_bodies(application)({"wsgi.input": BrokenStream(), "HTTP_COOKIE": cookie}, None)
    assert seen == [False, True, True]


class ClosedStream:
    """A stream whose client has closed the connection, or had to give way to others."""

    def read(self, size: int) -> bytes:
        raise ConnectionResetError


def test_a_client_that_has_gone_is_not_answered() -> None:
    with pytest.raises(ConnectionResetError):
        post(ClosedStream(), CONTENT_LENGTH="99")
