"""How gunicorn runs a service: `gunicorn --config common/gunicorn.conf.py users_project.wsgi`."""

import socket
import struct
from pathlib import Path
from typing import Any

from common import env, logs
from common.processes import WEB_CONCURRENCY, WEB_THREADS

bind = env.text("BIND", "0.0.0.0:8000")
workers = WEB_CONCURRENCY
# Each thread keeps one connection to PostgreSQL.
threads = WEB_THREADS
worker_class = "gthread"
# The kernel spreads connections over the workers; without it one of them may take nearly all.
reuse_port = True
# As long as it may be, for lists that are selected by long names.
limit_request_line = 8190
# Forking after the import shares its memory, and a bad setting ends the start at once.
preload_app = True
# Longer than the idle timeout of common gateways (60 seconds), so that they hang up first.
keepalive = 75
# Requests that run when a stop is asked for may finish.
graceful_timeout = 25
# Heartbeats are files: keep them off disks, which may be slow or read-only.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
# Two services under one HOME would share one control socket.
control_socket_disable = True
logger_class = "common.logs.GunicornLogger"


def post_worker_init(worker: Any) -> None:
    """Cut off clients that let a read or a write wait too long: each of them holds a thread.

    Sockets inherit the limit from the one that listens. A client that sends a byte now and then
    is not cut off: against those a gateway that buffers requests stands in front of a service.
    """
    seconds = struct.pack("ll", env.integer("CLIENT_TIMEOUT", 10, 1, 3600), 0)
    for listener in worker.sockets:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, seconds)
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, seconds)


def post_request(worker: Any, req: Any, environ: Any, resp: Any) -> None:
    """Let what a thread logs between two requests carry the id of neither."""
    logs.request_id.set(None)
