"""What a service listens on, its number of processes and connections, and its time for clients.

gunicorn reads WEB_CONCURRENCY before its configuration file, and rejects a bad value without naming
the variable. The settings import this module, so the Django commands that run first name it.
"""

import re
from ipaddress import ip_address

from django.core.exceptions import ImproperlyConfigured

from common import env


def address(value: str) -> tuple[str, int]:
    """Return BIND as a host, which may be empty or in brackets, and a port."""
    found = re.fullmatch(r"(\[([^]]*)\]|[A-Za-z0-9.-]*):([0-9]{1,5})", value)
    if not found or not 1 <= int(found[3]) <= 65535 or not is_ip_address(found[2] or "::"):
        raise ImproperlyConfigured(
            f"BIND={value!r} is not HOST:PORT, such as 127.0.0.1:8000 or [::1]:8000; :8000 stands"
            " for all addresses. Unix sockets are not supported."
        )
    return found[1], int(found[3])


def is_ip_address(host: str) -> bool:
    """Return whether a host is a numeric address."""
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


BIND = address(env.text("BIND", ":8000"))
WEB_CONCURRENCY = env.integer("WEB_CONCURRENCY", 2, 1, 64)
# Connections of clients, for each process: see the table in common/serving/worker.py.
WORKER_CONNECTIONS = env.integer("WORKER_CONNECTIONS", 500, 10, 20_000)
# Connections to PostgreSQL, for each process.
DB_CONNECTIONS = env.integer("DB_CONNECTIONS", 4, 1, 64)
# Seconds that a client may take to send a header from its first byte, to send a whole body, or to
# take in more of an answer. It holds no connection to PostgreSQL meanwhile.
CLIENT_TIMEOUT = env.integer("CLIENT_TIMEOUT", 30, 1, 3600)
# Seconds that a connection may wait for its next request: longer than the idle timeout of common
# gateways (60 seconds), so that they close connections first.
KEEP_ALIVE = 75
