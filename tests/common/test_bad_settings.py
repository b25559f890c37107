"""Every setting is looked at before the start: a bad value is refused by its name."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from common.services import SERVICES
from local_postgres import free_port
from tests.common.conftest import manage
from tests.conftest import ROOT

FILES = [ROOT / "common" / name for name in ("limits.py", "settings.py")]
KEY = "0123456789abcdefghijklmnopqrstuvwxyz"
BAD: dict[str, list[str]] = {
    "SECRET_KEY": ["", "x", "short-but-varied-0123456789", "x" * 64, "abab" * 16],
    "SECRET_KEY_FALLBACKS": ["x", f"{KEY},x", f"{KEY}\nx"],
    "DEBUG": ["1", "True", "yes"],
    "ALLOWED_HOSTS": [
        "http://api.example.com:8081",
        "api.example.com:8081",
        "api.example.com/",
        "a b",
        "*",
        "*.example.com",
        "under_score",
        "::1",
        ",",
        "a,,http://b",
    ],
    "CSRF_TRUSTED_ORIGINS": [
        "api.example.com",
        "https://api.example.com/",
        "https://api.example.com/admin",
        "https://*",
        "https://a b",
        "ftp://api.example.com",
        "https://api.example.com https://b.example.com",
    ],
    "SECURE_SSL_REDIRECT": ["no", "0"],
    "TRUSTED_PROXIES": ["proxy", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0-10.0.0.9"],
    "EXPOSE_INTERNAL_PATHS": ["on"],
    "BROWSABLE_API": ["on"],
    "DB_HOST": ["postgres://db", "db:5432", "a b", "db/random", "db,"],
    "DB_READ_HOST": ["postgres://db", "db:5432", "a b"],
    "DB_PORT": ["0", "65536", "5432 ", "x"],
    "DB_NAME": ["host=other", "postgres://db/random", "a b", "x" * 64],
    "DB_USER": ["", "postgres", "numbers_service", "users", "users_reader"],
    "DB_PASSWORD": [""],
    "DB_SSLMODE": ["maybe", "on"],
    "DB_SSLROOTCERT": ["/nowhere/ca.crt", "/"],
    "LOG_LEVEL": ["chatty", "info"],
    "BIND": [
        "abc",
        "http://localhost:8000",
        "unix:/tmp/socket",
        "::1:8000",
        "[fe80]:8000",
        "127.0.0.1:0",
        "127.0.0.1:65536",
    ],
    "WORKER_CONNECTIONS": ["9", "20001", "x"],
    "WEB_CONCURRENCY": ["0", "x"],
    "DB_CONNECTIONS": ["0", "65"],
    "CLIENT_TIMEOUT": ["0", "1.5"],
}
GOOD = {
    "SECRET_KEY_FALLBACKS": f"{KEY},\n{KEY[::-1]}",
    "ALLOWED_HOSTS": ".example.com, API.example.com,10.1.2.3,[2001:db8::1],app-users.test.svc.",
    "CSRF_TRUSTED_ORIGINS": "https://a.example.com:8443,http://localhost:1,https://*.example.com",
    "TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.1,fd00::/8",
    "DB_HOST": "my_db.example.com,10.1.2.3,::1,/var/run/postgresql",
    "DB_READ_HOST": "replica",
    "DB_NAME": "random-1.test",
    "DB_USER": "users_owner",
    "DB_SSLROOTCERT": __file__,
}
# test_tokens.py tests these, which depend on each other.
TOKENS = {f"AUTH_{name}" for name in ("JWKS_URL", "JWKS_FILE", "ISSUER", "AUDIENCE", "USER_CLAIM")}
CASES = [(name, value) for name, values in BAD.items() for value in values]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that reads all settings, as a process does when it starts."""
    monkeypatch.setenv("SECRET_KEY", KEY)

    def read(**variables: str) -> dict[str, Any]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
            monkeypatch.delenv(f"{name}_FILE", raising=False)
        values: dict[str, Any] = {}
        for path in FILES:
            values |= runpy.run_path(str(path))
        return values

    return read


def test_all_settings_are_in_the_table() -> None:
    text = "".join(path.read_text() for path in FILES)
    assert set(re.findall(r'env\.[a-z_]+\(\s*"([A-Z_]+)"', text)) == set(BAD) | TOKENS


@pytest.mark.parametrize(("name", "value"), CASES)
def test_a_bad_value_is_refused_by_its_name(read: Any, name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=rf"\b{name}\b") as caught:
        read(**{name: value})
    if "KEY" in name and len(value) > 1:
        assert value not in str(caught.value)  # Logs must not have secrets.
    else:
        assert len(str(caught.value)) > len(name) + len(value) + 15  # It says what is allowed.


@pytest.mark.parametrize("name", ["AUTH_ISSUER", "AUTH_AUDIENCE", "AUTH_USER_CLAIM"])
def test_tokens_without_keys_are_refused(read: Any, name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="no token would be asked for"):
        read(**{name: "anything"})


def test_good_values_are_accepted(read: Any) -> None:
    values = read(**GOOD)
    assert values["SECRET_KEY_FALLBACKS"] == [KEY, KEY[::-1]]
    assert values["DATABASES"]["replica"]["HOST"] == "replica"


def test_former_keys_come_from_a_file_too(read: Any, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"{KEY}\n")
    assert read(SECRET_KEY_FALLBACKS_FILE=str(tmp_path / "keys"))["SECRET_KEY_FALLBACKS"] == [KEY]
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY_FALLBACKS_FILE"):
        read(SECRET_KEY_FALLBACKS_FILE=str(tmp_path / "missing"))


def test_debug_is_refused_in_kubernetes(read: Any) -> None:
    assert read(DEBUG="true")["DEBUG"] is True
    with pytest.raises(ImproperlyConfigured, match="DEBUG=true .*Kubernetes"):
        read(DEBUG="true", KUBERNETES_SERVICE_HOST="10.0.0.1")


@pytest.mark.parametrize("service", [service.name for service in SERVICES])
def test_manage_py_and_gunicorn_stop_with_a_sentence_and_no_traceback(service: str) -> None:
    bad = {"ALLOWED_HOSTS": "http://api.example.com:8081"}
    for result in (manage(service, "check", **bad), serve(service, **bad)):
        assert result.returncode == 1
        assert result.stderr.startswith("ALLOWED_HOSTS='http://api.example.com:8081' is not a host")
        assert len(result.stderr.splitlines()) == 1


def serve(service: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Start gunicorn as the images do; it must end by itself."""
    config = "common/serving/gunicorn.conf.py"
    settings = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": f"{service}_project.settings",
        "DB_USER": f"{service}_service",
        "DB_PASSWORD_FILE": os.environ[f"{service.upper()}_DB_PASSWORD_FILE"],
        "BIND": f"127.0.0.1:{free_port()}",
    }
    return subprocess.run(
        [sys.executable, "-m", "gunicorn", "--config", config, f"{service}_project.wsgi"],
        cwd=ROOT,
        env={**settings, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_without_the_browsable_api_everything_but_the_admin_and_the_docs_is_json() -> None:
    script = (
        "from django.test import Client; c = Client(headers={'Accept': 'text/html'});"
        " types = [c.get(p).headers['Content-Type'].split(';')[0]"
        " for p in ('/', '/nothing', '/users?page_size=x', '/docs', '/admin/login/')];"
        " print(*types, c.options('/').headers['Content-Type'])"
    )
    environment = {
        "BROWSABLE_API": "false",
        "ALLOWED_HOSTS": "testserver",
        "SECURE_SSL_REDIRECT": "false",
    }
    result = manage("users", "shell", "-v0", "-c", script, **environment)
    json, page = "application/json", "text/html"
    assert result.stdout.split() == [json, json, json, page, page, json], result.stderr
