"""gunicorn's configuration: `gunicorn --config common/serving/gunicorn.conf.py SERVICE.wsgi`."""

# ruff: noqa: E402
from gevent import monkey

# Before any import of what waits: from here on a wait blocks one greenlet, not the process.
monkey.patch_all()

import atexit
import gc
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from common import env
from common.limits import WEB_CONCURRENCY

bind = env.text("BIND", "0.0.0.0:8000")
workers = WEB_CONCURRENCY
worker_class = "common.serving.worker.Worker"
# Clients of a process at once. Idle ones are evicted for others (worker.py). As many fit into the
# 1024 files that a process may have open by default.
worker_connections = 900
# The kernel spreads connections over the workers. Without it one of them may take nearly all,
# which costs up to 30 % of the requests a second.
reuse_port = True
# The longest that gunicorn allows, for lists that are filtered by long names.
limit_request_line = 8190
# A fork after the import shares its memory, and a bad setting ends the start at once.
preload_app = True
# gunicorn takes SCRIPT_NAME and the scheme from headers of trusted peers, by default of all peers
# at 127.0.0.1. What a proxy says is for Django alone to read (SECURE_PROXY_SSL_HEADER).
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
forwarded_allow_ips = "*"  # Without such headers no address need be compared.
# Longer than the idle timeout of common gateways (60 seconds), so that they close connections
# first, as long as they keep fewer of them than there are places.
keepalive = 75
# At a stop, requests that run have this long to finish.
graceful_timeout = 25
# Heartbeats are files: keep them off disks, which may be slow or read-only.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
# Two services under one HOME would share one control socket.
control_socket_disable = True
logger_class = "common.serving.logging.JSONLogger"

# Each process counts in files of its own, and any of them answers for all. prometheus_client reads
# the variable when the application is imported.
metrics = Path(tempfile.mkdtemp(prefix="metrics-", dir=worker_tmp_dir))
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)


@atexit.register
def remove_metrics(first: int = os.getpid()) -> None:
    """Remove the folder when the first process ends, not when one of its workers does."""
    if os.getpid() == first:
        shutil.rmtree(metrics, ignore_errors=True)


def on_starting(server: Any) -> None:
    """Prepare the application, which has been loaded."""
    from common.serving.application import prepare

    try:
        prepare()
    except ImproperlyConfigured as error:
        sys.exit(str(error))


def pre_fork(arbiter: Any, worker: Any) -> None:
    """Prepare for a process that shares this one's memory."""
    # Garbage collections would write into all of the memory, and so end the sharing.
    gc.freeze()
    # systemd empties /dev/shm when an account logs out.
    metrics.mkdir(mode=0o700, exist_ok=True)
