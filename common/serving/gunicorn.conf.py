"""gunicorn's configuration: `gunicorn --config common/serving/gunicorn.conf.py SERVICE.wsgi`."""

# ruff: noqa: E402
from gevent import monkey

# Before any import of blocking modules: from here on, a wait blocks one greenlet, not the process.
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
# Connections of a process at a time; when it is full, idle ones are evicted (worker.py). This stays
# within the default limit of 1024 open files.
worker_connections = 900
# The kernel spreads connections over the workers. Otherwise one of them may accept nearly all,
# which costs up to 30 % of the requests a second.
reuse_port = True
# The most that gunicorn allows, for lists that are filtered by long names.
limit_request_line = 8190
# Workers share the memory of the imported application, and a bad setting stops the startup at once.
preload_app = True
# By default gunicorn takes SCRIPT_NAME and the scheme from the headers of peers at 127.0.0.1. Only
# Django should interpret a proxy's headers (SECURE_PROXY_SSL_HEADER).
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
forwarded_allow_ips = "*"  # No headers are trusted, so there is no need to compare addresses.
# Seconds. Longer than the idle timeout of common gateways (60 seconds), so that they close
# connections first, as long as they keep fewer than worker_connections.
keepalive = 75
# Seconds that running requests have to finish at a graceful shutdown.
graceful_timeout = 25
# Heartbeats are files: keep them off disks, which may be slow or read-only.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
# Two services with the same HOME would share one control socket.
control_socket_disable = True
logger_class = "common.serving.logging.JSONLogger"

# Each process writes its metrics to its own files, and any process can sum up all of them.
# prometheus_client reads the variable when the application is imported.
metrics = Path(tempfile.mkdtemp(prefix="metrics-", dir=worker_tmp_dir))
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)


@atexit.register
def remove_metrics(first: int = os.getpid()) -> None:
    """Remove the folder when the arbiter exits, not when a worker does."""
    if os.getpid() == first:
        shutil.rmtree(metrics, ignore_errors=True)


def on_starting(server: Any) -> None:
    """Prepare the preloaded application."""
    from common.serving.application import prepare

    try:
        prepare()
    except ImproperlyConfigured as error:
        sys.exit(str(error))


def pre_fork(arbiter: Any, worker: Any) -> None:
    """Prepare the arbiter's memory and the metrics folder for a new worker."""
    # A garbage collection in a worker would write to all objects, and so copy the shared memory.
    gc.freeze()
    # systemd empties /dev/shm when a user logs out.
    metrics.mkdir(mode=0o700, exist_ok=True)
