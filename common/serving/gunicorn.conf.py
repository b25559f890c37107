"""gunicorn's configuration: `gunicorn --config common/serving/gunicorn.conf.py SERVICE.wsgi`.

gunicorn would also take settings from these variables. FORWARDED_ALLOW_IPS, PORT and SENDFILE have
no effect, since this file sets what they would; GUNICORN_CMD_ARGS, which overrides this file, is
refused; SCRIPT_NAME, with which every other path is an error, is removed.
"""

# ruff: noqa: E402
from gevent import monkey

# Before any import of blocking modules: from here on, a wait blocks one greenlet, not the process.
monkey.patch_all()

import atexit
import gc
import os
import shutil
import sys
from typing import Any

from django.core.exceptions import ImproperlyConfigured

try:
    from common.limits import KEEP_ALIVE, WEB_CONCURRENCY, WORKER_CONNECTIONS
    from common.observability import metric_files
    from common.serving import resources

    bind = resources.addresses()
    # Connections of a process at a time; when it is full, slow ones are evicted (worker.py).
    worker_connections = resources.client_connections()
    folder = resources.shared_folder(WEB_CONCURRENCY * metric_files.SIZE)
except ImproperlyConfigured as error:
    sys.exit(str(error))
if os.environ.get("GUNICORN_CMD_ARGS"):
    sys.exit(
        "GUNICORN_CMD_ARGS is set, and would override the service's configuration. Unset it, and"
        " use the service's own settings: BIND, WEB_CONCURRENCY, WORKER_CONNECTIONS, LOG_LEVEL."
    )
os.environ.pop("SCRIPT_NAME", None)

workers = WEB_CONCURRENCY
worker_class = "common.serving.worker.Worker"
# The kernel spreads connections over the workers. Otherwise one of them may accept nearly all,
# which costs up to 30 % of the requests a second.
reuse_port = True
# The most that gunicorn allows, for lists that are filtered by long names.
limit_request_line = 8190
# Of a header, whose total is bounded by connections.py.
limit_request_fields = 64
limit_request_field_size = 8190
# sendfile() would go past the bounds of connections.py, and gevent only emulates it.
sendfile = False
# Workers share the memory of the imported application, and a bad setting stops the startup at once.
preload_app = True
# By default gunicorn takes SCRIPT_NAME and the scheme from the headers of peers at 127.0.0.1. Only
# Django should interpret a proxy's headers (SECURE_PROXY_SSL_HEADER).
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
forwarded_allow_ips = "*"  # No headers are trusted, so there is no need to compare addresses.
# That there is one; its length is bounded by connections.py.
keepalive = KEEP_ALIVE
# Seconds that running requests have to finish at a graceful shutdown.
graceful_timeout = 25
# Heartbeats are files: keep them off disks, which may be slow or read-only.
worker_tmp_dir = str(folder.parent)
# Two services with the same HOME would share one control socket.
control_socket_disable = True
logger_class = "common.serving.logging.JSONLogger"

# Each process writes its metrics to its own files, and any process can sum up all of them.
# prometheus_client reads the variable when the application is imported.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


@atexit.register
def remove_folder(first: int = os.getpid()) -> None:
    """Remove the folder when the arbiter exits, not when a worker does."""
    if os.getpid() == first:
        shutil.rmtree(folder, ignore_errors=True)


def on_starting(server: Any) -> None:
    """Prepare the preloaded application."""
    from common.serving.application import prepare

    if worker_connections < WORKER_CONNECTIONS:
        server.log.warning(
            "The limit of open files leaves %d connections to each process, instead of"
            " WORKER_CONNECTIONS=%d: raise it (ulimit -n) to %d.",
            worker_connections,
            WORKER_CONNECTIONS,
            resources.ENOUGH_FILES,
        )
    try:
        prepare()
    except ImproperlyConfigured as error:
        sys.exit(str(error))


def pre_fork(arbiter: Any, worker: Any) -> None:
    """Prepare the arbiter's memory and the metrics folder for a new worker."""
    # A garbage collection in a worker would write to all objects, and so copy the shared memory.
    gc.freeze()
    # systemd empties /dev/shm when a user logs out.
    folder.mkdir(mode=0o700, exist_ok=True)
    # A new worker goes on with the metrics of one that has ended.
    metric_files.give_number(worker, arbiter.WORKERS.values())
