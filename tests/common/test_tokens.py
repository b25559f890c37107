"""Bearer tokens, verified with the keys of a real key server on this machine."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from rest_framework.exceptions import APIException
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from common.api import key_set, tokens

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()


def jwk(algorithm: Any, key: Any, kid: str, **more: str) -> dict[str, Any]:
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, **more}


KEYS = [
    jwk(RSAAlgorithm, RSA_KEY, "rsa", alg="RS256", use="sig"),
    jwk(ECAlgorithm, EC_KEY, "ec"),
    jwk(OKPAlgorithm, ED_KEY, "ed"),
    {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "kid": "shared"},
    jwk(RSAAlgorithm, RSA_KEY, "encryption", use="enc"),
    {"kty": "unknown", "kid": "unknown"},
]


class KeyServer(ThreadingHTTPServer):
    """Serves a JSON Web Key Set, and can hang or fail instead."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), KeyHandler)
        self.keys: list[dict[str, Any]] = KEYS
        self.fetches = 0
        self.body: bytes | None = None
        self.go_on = threading.Event()
        self.go_on.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/keys"


class KeyHandler(BaseHTTPRequestHandler):
    server: KeyServer

    def do_GET(self) -> None:
        self.server.fetches += 1
        self.server.go_on.wait(60)
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", self.server.url)
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.body or json.dumps({"keys": self.server.keys}).encode())

    def log_message(self, *arguments: object) -> None:
        """Log nothing."""


@pytest.fixture
def server() -> Iterator[KeyServer]:
    with KeyServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        tokens.key_set.cache_clear()
        with override_settings(
            AUTH_JWKS_URL=server.url,
            AUTH_JWKS_FILE="",
            AUTH_ISSUER="https://issuer.example.com",
            AUTH_AUDIENCE="random",
            AUTH_USER_CLAIM="",
        ):
            yield server
        server.go_on.set()
        server.shutdown()
        tokens.key_set.cache_clear()


def token(key: Any = RSA_KEY, kid: str | None = "rsa", algorithm: str = "RS256", **claims: Any):
    now = time.time()
    given = {
        "iss": "https://issuer.example.com",
        "aud": "random",
        "sub": "client-1",
        "exp": now + 600,
        "scope": "users:read users:write",
        **claims,
    }
    given = {name: value for name, value in given.items() if value is not None}
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(given, key, algorithm, headers)


class Things(APIView):
    authentication_classes = (tokens.TokenAuthentication,)
    permission_classes = (tokens.HasScope,)
    scope = "users"

    def get(self, request: Request) -> Response:
        return Response({"subject": str(request.user)})

    post = get


def ask(authorization: str | None, method: str = "get", view: Any = Things) -> Any:
    headers = {} if authorization is None else {"Authorization": authorization}
    request = getattr(APIRequestFactory(), method)("/things", headers=headers)
    return view.as_view()(request).render()


@pytest.mark.parametrize(
    ("key", "kid", "algorithm"),
    [(RSA_KEY, "rsa", "RS256"), (EC_KEY, "ec", "ES256"), (ED_KEY, "ed", "EdDSA")],
)
def test_a_valid_token_is_accepted(server: KeyServer, key: Any, kid: str, algorithm: str) -> None:
    for audience in ("random", ["other", "random"]):
        answer = ask(f"Bearer {token(key, kid, algorithm, aud=audience)}")
        assert (answer.status_code, answer.data) == (200, {"subject": "client-1"})
    assert ask(f"bearer  {token(key, kid, algorithm)}", "post").status_code == 200


def test_without_a_token_the_answer_says_how_to_send_one(server: KeyServer) -> None:
    answer = ask(None)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
    assert "Authorization: Bearer" in answer.data["error"]


def confused(algorithm: str = "HS256") -> str:
    """Return a token that is signed with the public key as if it were a shared secret."""
    public = json.dumps(KEYS[0]).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jwt.algorithms.HMACAlgorithm.prepare_key", lambda self, key: key)
        return token(public, "rsa", algorithm)


def unsigned(**header: Any) -> str:
    signed = token()
    encoded = jwt.utils.base64url_encode(
        json.dumps({"alg": "none", "kid": "rsa", **header}).encode()
    )
    return f"{encoded.decode()}.{signed.split('.')[1]}."


def with_header(header: bytes) -> str:
    return f"{jwt.utils.base64url_encode(header).decode()}.e30.e30"


BAD: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "no token": lambda: "abc",
    "three empty parts": lambda: "..",
    "no algorithm": unsigned,
    "no algorithm, in capitals": lambda: unsigned(alg="NONE"),
    "a public key as a secret": confused,
    "a shared key of the set": lambda: token(
        b"secret-secret-secret-secret-secret", "shared", "HS256"
    ),
    "a key for encryption": lambda: token(kid="encryption"),
    "another key": lambda: token(OTHER_KEY),
    "another algorithm of the key": lambda: token(algorithm="RS512"),
    "an unknown key id": lambda: token(kid="other"),
    "no key id": lambda: token(kid=None),
    "a key id that is a number": lambda: with_header(b'{"alg":"RS256","kid":1}'),
    "deep nesting": lambda: with_header(b"[" * 5000),
    "another issuer": lambda: token(iss="https://other.example.com"),
    "no issuer": lambda: token(iss=None),
    "another audience": lambda: token(aud="other"),
    "an audience that begins like ours": lambda: token(aud="random2"),
    "a list of other audiences": lambda: token(aud=["other", "another"]),
    "no audience": lambda: token(aud=None),
    "expired": lambda: token(exp=time.time() - 60),
    "no expiry": lambda: token(exp=None),
    "an expiry that is no number": lambda: token(exp="tomorrow"),
    "not valid yet": lambda: token(nbf=time.time() + 60),
    "issued in the future": lambda: token(iat=time.time() + 60),
    "no subject": lambda: token(sub=None),
    "a subject with NUL": lambda: token(sub="a\0b"),
    "a subject of 256 characters": lambda: token(sub="a" * 256),
    "a changed claim": lambda: swap(token(), token(sub="client-2")),
    "100 KB": lambda: token(filler="x" * 100_000),
    "umlauts": lambda: "ä.ö.ü",
}


def swap(one: str, other: str) -> str:
    """Return a token with the header and signature of one and the claims of another."""
    head, _, signature = one.split(".")
    return f"{head}.{other.split('.')[1]}.{signature}"


@pytest.mark.parametrize("name", BAD)
def test_a_bad_token_is_refused(server: KeyServer, name: str) -> None:
    answer = ask(f"Bearer {BAD[name]()}")
    assert answer.status_code == 401, answer.data
    assert answer["WWW-Authenticate"] == 'Bearer realm="api", error="invalid_token"'
    assert answer.data["error"]


@pytest.mark.parametrize("authorization", ["Basic YTpi", "Bearer", "", "Token abc"])
def test_another_scheme_is_refused(server: KeyServer, authorization: str) -> None:
    assert ask(authorization).status_code == 401


@pytest.mark.parametrize(
    ("scope", "method", "status"),
    [
        ("users:read", "get", 200),
        ("users:read", "post", 403),
        ("users:write", "get", 403),
        ("users:write", "post", 200),
        (["users:read"], "get", 200),
        ("numbers:read numbers:write", "get", 403),
        ("users:reading", "get", 403),
        (None, "get", 403),
        (7, "get", 403),
    ],
)
def test_a_scope_allows_reading_or_writing(
    server: KeyServer, scope: Any, method: str, status: int
) -> None:
    answer = ask(f"Bearer {token(scope=scope)}", method)
    assert answer.status_code == status
    if status == 403:
        needed = "users:read" if method == "get" else "users:write"
        assert f'error="insufficient_scope", scope="{needed}"' in answer["WWW-Authenticate"]
        assert needed in answer.data["error"]


def test_a_new_key_is_fetched_once_and_known_keys_are_not_fetched(
    server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.keys = KEYS[:1]
    for _ in range(3):
        assert ask(f"Bearer {token()}").status_code == 200
    assert server.fetches == 1
    server.keys = KEYS
    assert ask(f"Bearer {token(EC_KEY, 'ec', 'ES256')}").status_code == 401  # in the cooldown
    assert server.fetches == 1
    monkeypatch.setattr(key_set, "COOLDOWN", 0)
    assert ask(f"Bearer {token(EC_KEY, 'ec', 'ES256')}").status_code == 200
    assert server.fetches == 2


def test_a_removed_key_is_forgotten(server: KeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(f"Bearer {token()}").status_code == 200
    server.keys = KEYS[1:2]
    monkeypatch.setattr(key_set, "MAX_AGE", 0)
    end = time.monotonic() + 30
    while ask(f"Bearer {token()}").status_code == 200:
        assert time.monotonic() < end


def test_after_a_pause_a_removed_key_is_not_used_once_more(
    server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(f"Bearer {token()}").status_code == 200
    server.keys = KEYS[1:2]
    monkeypatch.setattr(key_set, "MAX_AGE", 0)
    monkeypatch.setattr(key_set, "IDLE", 0)
    assert ask(f"Bearer {token()}").status_code == 401


def test_an_odd_key_does_not_make_the_others_useless(server: KeyServer) -> None:
    server.keys = [{**KEYS[0], "alg": ["RS256"], "kid": "odd"}, *KEYS]
    assert ask(f"Bearer {token()}").status_code == 200


def test_a_key_server_that_hangs_does_not_delay_known_keys(
    server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(f"Bearer {token()}").status_code == 200
    server.go_on.clear()
    monkeypatch.setattr(key_set, "MAX_AGE", 0)
    monkeypatch.setattr(key_set, "COOLDOWN", 0)
    monkeypatch.setattr(key_set, "FETCH_TIMEOUT", 60)
    unknown = threading.Thread(target=ask, args=(f"Bearer {token(kid='other')}",))
    unknown.start()
    for _ in range(20):
        assert ask(f"Bearer {token()}").status_code == 200
    assert unknown.is_alive()
    server.go_on.set()
    unknown.join()


def test_without_any_key_the_answer_is_503(
    server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_set, "FETCH_TIMEOUT", 0.2)
    server.go_on.clear()
    answer = ask(f"Bearer {token()}")
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b"[" * 99_999]
)
def test_a_document_that_is_no_key_set_leaves_the_keys_alone(
    server: KeyServer, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    assert ask(f"Bearer {token()}").status_code == 200
    server.body = body
    monkeypatch.setattr(key_set, "COOLDOWN", 0)
    assert ask(f"Bearer {token(kid='other')}").status_code == 401
    assert ask(f"Bearer {token()}").status_code == 200
    assert server.fetches == 2


def test_a_redirect_is_not_followed(server: KeyServer) -> None:
    with override_settings(AUTH_JWKS_URL=server.url.replace("keys", "moved")):
        assert ask(f"Bearer {token()}").status_code == 503
    assert server.fetches == 1


def test_keys_may_come_from_a_file(server: KeyServer, tmp_path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": KEYS}))
    with override_settings(AUTH_JWKS_URL="", AUTH_JWKS_FILE=str(file)):
        tokens.require_settings()
        assert ask(f"Bearer {token()}").status_code == 200
        assert ask(f"Bearer {token(kid='other')}").status_code == 401
    assert server.fetches == 0


def test_bad_settings_stop_the_start(server: KeyServer, tmp_path) -> None:
    with (
        override_settings(AUTH_JWKS_URL="http://issuer.example.com/keys"),
        pytest.raises(ImproperlyConfigured, match="https://"),
    ):
        tokens.require_settings()
    with (
        override_settings(AUTH_JWKS_URL="", AUTH_JWKS_FILE=str(tmp_path / "missing")),
        pytest.raises(ImproperlyConfigured, match="AUTH_JWKS_FILE"),
    ):
        tokens.require_settings()


def test_a_token_for_one_user_is_refused_for_another(server: KeyServer) -> None:
    request = Request(APIRequestFactory().get("/"))
    request.auth = {"preferred_username": "ankur"}
    with override_settings(AUTH_USER_CLAIM="preferred_username"):
        tokens.require_own_name(request, "ankur")
        with pytest.raises(APIException) as refused:
            tokens.require_own_name(request, "bela")
    assert refused.value.status_code == 403
    assert "another user" in str(refused.value.detail)


def test_a_users_name_may_have_another_form_in_its_token(server: KeyServer) -> None:
    request = Request(APIRequestFactory().get("/"))
    request.auth = {"preferred_username": "Zoe\u0308"}
    with override_settings(AUTH_USER_CLAIM="preferred_username"):
        tokens.require_own_name(request, "Zo\u00eb")


def test_a_public_view_needs_no_token(server: KeyServer) -> None:
    class Public(Things):
        permission_classes = (AllowAny,)

    assert ask(None, view=Public).status_code == 200
