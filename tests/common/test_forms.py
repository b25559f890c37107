"""Forms whose bytes are incomplete, malformed or not UTF-8, however they are encoded."""

import json
from base64 import b64encode
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from users_project.users.models import User

pytestmark = pytest.mark.django_db
END = b"--x--\r\n"


def post(client: Client, body: bytes, content_type: str = "multipart/form-data; boundary=x") -> Any:
    return client.post("/users", body, content_type=content_type)


def part(content: bytes, more: bytes = b"", headers: bytes = b"") -> bytes:
    disposition = b'Content-Disposition: form-data; name="name"' + more
    return b"--x\r\n" + disposition + headers + b"\r\n\r\n" + content + b"\r\n"


BASE64 = b"\r\nContent-Transfer-Encoding: base64"
NAME = "अंकुर 👩‍🚀 \ufffd"


@pytest.mark.parametrize(
    "body",
    [
        part(NAME.encode()) + END,
        part(NAME.encode()) + b"--x--",
        part(NAME.encode()) + b"--x--  \r\n\r\n",
        part(NAME.encode(), headers=b"\r\nContent-Type: text/plain; charset=utf-8") + END,
        part(NAME.encode(), headers=b"\r\nContent-Type: text/plain; name=other") + END,
        part(NAME.encode(), headers=b"\r\ncontent-transfer-encoding: 8BIT") + END,
        part(b64encode(NAME.encode()), headers=BASE64) + END,
        part(b64encode(NAME.encode())[:9] + b"\r\n" + b64encode(NAME.encode())[9:], headers=BASE64)
        + END,
        part(b"first") + part(NAME.encode()) + END,  # the last value counts
        part(NAME.encode()).replace(b'"name"', b"name") + END,
        part(NAME.encode()).replace(b"--x\r\n", b"--x \t\r\n") + END,
    ],
)
def test_a_complete_form_is_accepted(client: Client, body: bytes) -> None:
    response = post(client, body)
    assert response.status_code == 201, response.content
    assert response.json()["name"] == NAME


@pytest.mark.parametrize(
    "body",
    [
        part(b"\xff") + END,
        part(b"\xed\xa0\x80") + END,  # a surrogate
        part(b64encode(b"\xff"), headers=BASE64) + END,
        part(b"!", headers=BASE64) + END,
        part(b64encode(b"ankur")[:-1], headers=BASE64) + END,
        part(b"=41", headers=b"\r\nContent-Transfer-Encoding: quoted-printable") + END,
        part(b"ankur"),
        part(b"ankur") + b"--x\r\n",
        part(b"ankur") + b"--x-",
        part(b"ankur") + END + part(b"other"),
        part(b"ankur") + END + b"more",
        part(b"ankur").removesuffix(b"\r\n"),
        part(b"ankur") + part(b"other")[:-20] + END,
        part(b"ankur") + b"--x\r\n\r\nwithout a name\r\n" + END,
        part(b"ankur") + b"--xy\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n" + END,
        b"preamble\r\n" + part(b"ankur") + END,
        part(b"ankur").replace(b"\r\n\r\n", b"\r\n") + END,
        part(b"ankur").replace(b"Content-D", b"Content D") + END,
        part(b"ankur", b"; filename=" + b"a*" * 9) + part(b"ankur", b"\xff") + END,
        part(b"ankur", b"; filename*%s=a" % (b"9" * 5000)) + END,
        part(b"ankur", b"; filename*=bogus''a; name*0*=a; name*=b") + END,
        part(b"ankur", b'; filename="a"') + END,
        part(b"ankur") + part(b"ankur", b'; filename=".."') + END,
        part(b"first") + part(b"\xff") + END,
        END,
        b"--x\r\n",
        b"x",
    ],
)
def test_a_form_that_is_not_whole_is_refused(client: Client, body: bytes) -> None:
    response = post(client, body)
    assert response.status_code == 400, response.content
    assert json.loads(response.content)["error"]
    assert not User.objects.exists()


def test_a_form_needs_a_boundary(client: Client) -> None:
    for content_type in ("multipart/form-data", 'multipart/form-data; boundary=""'):
        assert post(client, part(b"ankur") + END, content_type).status_code == 400


def test_an_optional_file_may_be_left_out(client: Client) -> None:
    """Browsers send an empty name for it."""
    empty = part(b"", b'; filename=""').replace(b'"name"', b'"photo"')
    assert post(client, part(b"ankur") + empty + END).status_code == 201


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, len(part(b"ankur") + END) - 3), byte=st.binary(max_size=1))
@example(cut=0, byte=b"")
def test_a_form_that_is_cut_off_is_refused(client: Client, cut: int, byte: bytes) -> None:
    body = (part(b"ankur") + END)[:cut] + byte
    if not body.rstrip().endswith(b"--x--"):
        assert post(client, body).status_code == 400
