"""What a service takes from the system when it starts: addresses, open files, and a folder."""

import os
import resource
import socket
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from common.limits import BIND, DB_CONNECTIONS, WORKER_CONNECTIONS

# Open files of a process besides those of its clients: a database and its replica, and the
# listening sockets, logs, metrics, pipes and modules.
OTHER_FILES = 2 * DB_CONNECTIONS + 40
# A client's connection, and the static file that it may be reading.
FILES_OF_A_CLIENT = 2
ENOUGH_FILES = FILES_OF_A_CLIENT * WORKER_CONNECTIONS + OTHER_FILES
FEWEST_CONNECTIONS = 10


def addresses() -> list[str]:
    """Return what to listen on: without a host, every address of IPv4 and of IPv6."""
    host, port = BIND
    return [f"{one}:{port}" for one in ([host] if host else all_hosts())]


def all_hosts() -> list[str]:
    """Return the hosts that stand for every address of this machine."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            is_ipv6_only = probe.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
            probe.bind(("::", 0))
    except OSError:  # This machine has no IPv6.
        return ["0.0.0.0"]  # noqa: S104
    return ["0.0.0.0", "[::]"] if is_ipv6_only else ["[::]"]  # noqa: S104


def client_connections() -> int:
    """Raise the limit of open files as far as needed; return how many connections fit within it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft != unlimited and soft < ENOUGH_FILES:
        soft = ENOUGH_FILES if hard == unlimited else min(hard, ENOUGH_FILES)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    files = ENOUGH_FILES if soft == unlimited else soft
    connections = min(WORKER_CONNECTIONS, (files - OTHER_FILES) // FILES_OF_A_CLIENT)
    if connections < FEWEST_CONNECTIONS:
        raise ImproperlyConfigured(
            f"This process may open {files} files, which is too few: raise the limit (ulimit -n) to"
            f" {ENOUGH_FILES}, for WORKER_CONNECTIONS={WORKER_CONNECTIONS}."
        )
    return connections


def shared_folder(size: int, candidates: tuple[str, ...] = ("/dev/shm", "")) -> Path:  # noqa: S108
    """Make a folder where `size` bytes can be written: in memory, or else among temporary files."""
    reasons = []
    for parent in candidates:
        try:
            with tempfile.TemporaryFile(dir=parent or None) as probe:
                os.posix_fallocate(probe.fileno(), 0, size)
            return Path(tempfile.mkdtemp(prefix="service-", dir=parent or None))
        except OSError as error:
            reasons.append(str(error))
    raise ImproperlyConfigured(
        f"No folder has room for {size} bytes of metrics and heartbeats: {'; '.join(reasons)}. Free"
        " /dev/shm, or set TMPDIR to a folder that can be written."
    )
