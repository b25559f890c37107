"""How gunicorn runs a service: `gunicorn --config common/serving/gunicorn.conf.py users_project.wsgi`."""

# ruff: noqa: E402
from gevent import monkey

# Before anything else is imported that waits: from here on only a greenlet does, not the process.
monkey.patch_all()

import atexit
import gc
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from common import env
from common.limits import WEB_CONCURRENCY
from common.observability import logs

bind = env.text("BIND", "0.0.0.0:8000")
workers = WEB_CONCURRENCY
worker_class = "common.serving.worker.Worker"
# Clients that a process has at once. Most are idle and give way to others (common/worker.py). So
# many fit into the 1024 files that a process may have open by default.
worker_connections = 900
# The kernel spreads connections over the workers; without it one of them may take nearly all.
reuse_port = True
# As long as it may be, for lists that are selected by long names.
limit_request_line = 8190
# Forking after the import shares its memory, and a bad setting ends the start at once.
preload_app = True
# gunicorn takes SCRIPT_NAME and the scheme from headers of whom it trusts, by default all who come
# from 127.0.0.1. What a proxy says is for Django alone to read (SECURE_PROXY_SSL_HEADER).
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
forwarded_allow_ips = "*"  # Without such headers no address need be compared.
# Longer than the idle timeout of common gateways (60 seconds), so that they hang up first, as long
# as they keep fewer connections than there are places.
keepalive = 75
# Requests that run when a stop is asked for may finish.
graceful_timeout = 25
# Heartbeats are files: keep them off disks, which may be slow or read-only.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
# Two services under one HOME would share one control socket.
control_socket_disable = True
logger_class = "common.observability.logs.GunicornLogger"

# Each process counts in files of its own, and any of them answers for all. prometheus_client asks
# for the folder when the application is imported.
metrics = Path(tempfile.mkdtemp(prefix="metrics-", dir=worker_tmp_dir))
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)


@atexit.register
def remove_metrics(first: int = os.getpid()) -> None:
    """Remove the folder with the first process, not with those that are forked from it."""
    if os.getpid() == first:
        shutil.rmtree(metrics, ignore_errors=True)


def post_request(worker: Any, req: Any, environ: Any, resp: Any) -> None:
    """Let what is logged between two requests of a connection carry the id of neither."""
    logs.request_id.set(None)


def pre_fork(arbiter: Any, worker: Any) -> None:
    """Prepare for a process that shares this one's memory."""
    # Garbage collections would write into all of the memory, and so end the sharing.
    gc.freeze()
    # systemd empties /dev/shm when somebody logs out.
    metrics.mkdir(mode=0o700, exist_ok=True)
