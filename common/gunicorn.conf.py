"""How gunicorn runs a service: `gunicorn --config common/gunicorn.conf.py users_project.wsgi`."""

from pathlib import Path

from common import env
from common.processes import WEB_CONCURRENCY, WEB_THREADS

bind = env.text("BIND", "0.0.0.0:8000")
workers = WEB_CONCURRENCY
# Each thread keeps one connection to PostgreSQL.
threads = WEB_THREADS
worker_class = "gthread"
# The kernel spreads connections over the workers; without it one of them may take nearly all.
reuse_port = True
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
