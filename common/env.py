"""Reads settings from the environment; a bad value raises an error that names its variable.

Importing it also removes the variables of libpq, such as PGHOSTADDR and PGSERVICE: what a setting
does not name, libpq would take from them, and send a password to another server.
"""

import os
import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

EMPTY = "Neither {name} nor a file in {name}_FILE holds a value."
# A name or an address in a Host header
HOST = r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.?|\[[0-9A-Fa-f:.]+\]"
# A name, an IPv6 address or the folder of a Unix socket, as libpq takes them
SERVER = r"[A-Za-z0-9._-]+|[0-9A-Fa-f]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*|/[^\s,]*"
# Of a key for signatures
SHORTEST_KEY = 32
FEWEST_CHARACTERS = 5

for _name in [name for name in os.environ if name.startswith("PG")]:
    del os.environ[_name]


def text(name: str, default: str | None = None, allowed: Iterable[str] = ()) -> str:
    """Return a variable unchanged; without a default, it must be set."""
    value = os.environ.get(name) or default
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set, and it has no default.")
    if allowed and value not in allowed:
        raise ImproperlyConfigured(f"{name}={value!r} is not one of {', '.join(allowed)}.")
    return value


def integer(name: str, default: int, low: int, high: int) -> int:
    """Return a variable as an integer from low to high, inclusive."""
    value = text(name, str(default))
    if not (re.fullmatch("-?[0-9]{1,9}", value) and low <= int(value) <= high):
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number from {low} to {high}.")
    return int(value)


def boolean(name: str, default: bool) -> bool:
    """Return a variable that must be `true` or `false`."""
    return text(name, str(default).lower(), allowed=("true", "false")) == "true"


def matched(name: str, value: str, pattern: str, meaning: str) -> str:
    """Return a value of a variable if it matches a pattern; `meaning` says what that is."""
    if not re.fullmatch(pattern, value):
        raise ImproperlyConfigured(f"{name}={value!r} is not {meaning}.")
    return value


def database_host(name: str, default: str) -> str:
    """Return PostgreSQL's host, or several that are tried in turn."""
    meaning = "a host name, an address or a socket's folder, without scheme and port"
    value = text(name, default)
    return matched(name, value, f"({SERVER})(,({SERVER}))*", meaning) if value else ""


def database_name(name: str, default: str) -> str:
    """Return a name that libpq does not take for a connection string."""
    return matched(name, text(name, default), r"[^\s=/]{1,63}", "a name without spaces, = and /")


def words(name: str, default: str = "") -> list[str]:
    """Return the comma-separated values of a variable."""
    value = text(name, default)
    found = [word.strip() for word in value.split(",") if word.strip()]
    if value and not found:
        raise ImproperlyConfigured(f"{name}={value!r} has no value between its commas.")
    return found


def hosts(name: str, default: str) -> list[str]:
    """Return values for Django's ALLOWED_HOSTS."""
    meaning = "a host name or an address without scheme, port and *; .a.example is all names in it"
    return [matched(name, word, rf"\.?({HOST})", meaning) for word in words(name, default)]


def origins(name: str) -> list[str]:
    """Return values for Django's CSRF_TRUSTED_ORIGINS."""
    pattern = rf"https?://(\*\.)?({HOST})(:[0-9]{{1,5}})?"
    meaning = "an origin such as https://api.example.com or https://*.example.com, without a path"
    return [matched(name, word, pattern, meaning) for word in words(name)]


def address(name: str, default: str) -> tuple[str, int]:
    """Return a variable as a host, which may be empty or in brackets, and a port."""
    value = text(name, default)
    found = re.fullmatch(r"(\[([^]]*)\]|[A-Za-z0-9.-]*):([0-9]{1,5})", value)
    if not found or not 1 <= int(found[3]) <= 65535 or not is_ip_address(found[2] or "::"):
        raise ImproperlyConfigured(
            f"{name}={value!r} is not HOST:PORT, such as 127.0.0.1:8000 or [::1]:8000; :8000 stands"
            " for all addresses. Unix sockets are not supported."
        )
    return found[1], int(found[3])


def is_ip_address(host: str) -> bool:
    """Return whether a host is a numeric address."""
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """Return a variable's comma-separated networks, such as 10.0.0.0/8, or addresses."""
    found = []
    for word in words(name):
        try:
            found.append(ip_network(word))
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{name}={word!r} is not a network: {error}. Write networks like 10.0.0.0/8."
            ) from error
    return found


def file(name: str) -> str:
    """Return the path of a file that can be read, or "" if the variable is not set."""
    path = text(name, "")
    try:
        if path:
            Path(path).open("rb").close()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}={path!r} cannot be read: {error}") from error
    return path


def secret_key(name: str) -> str:
    """Return a secret that nobody can guess; there is no default."""
    return strong(name, secret(name))


def secret_keys(name: str) -> list[str]:
    """Return secrets that nobody can guess, separated by commas or line breaks; maybe none."""
    found = [key.strip() for key in re.split("[,\n]", optional_secret(name))]
    return [strong(name, key) for key in found if key]


def strong(name: str, key: str) -> str:
    """Return a key if it is long and has some variety; an error does not show it."""
    if len(key) < SHORTEST_KEY or len(set(key)) < FEWEST_CHARACTERS:
        raise ImproperlyConfigured(
            f"{name} can be guessed. Use at least {SHORTEST_KEY} characters, of which"
            f' {FEWEST_CHARACTERS} differ: python -c "import secrets; print(secrets.token_hex())"'
        )
    return key


def one_of(*names: str) -> bool:
    """Return whether one of several variables is set; raise an error if more than one is."""
    found = [name for name in names if os.environ.get(name)]
    if len(found) > 1:
        raise ImproperlyConfigured(f"Set only one of {' and '.join(found)}.")
    return bool(found)


def secret(name: str) -> str:
    """Return a secret from NAME, or from the file that NAME_FILE names; there is no default."""
    value = optional_secret(name)
    if not value:
        raise ImproperlyConfigured(EMPTY.format(name=name))
    return value


def optional_secret_key(name: str) -> str:
    """Return a secret that nobody can guess, or "" if neither variable is set."""
    key = optional_secret(name)
    return key and strong(name, key)


def optional_secret(name: str) -> str:
    """Return a secret, or "" if neither variable is set."""
    value = os.environ.get(name)
    path = os.environ.get(f"{name}_FILE")
    if not value and path:
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{name}_FILE={path!r} cannot be read: {error}") from error
        if not value:
            raise ImproperlyConfigured(EMPTY.format(name=name))
    return value or ""
