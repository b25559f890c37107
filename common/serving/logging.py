"""gunicorn's logs as JSON lines, configured by Django's settings.

gunicorn's own access log costs 13 to 15 % of the requests a second; this one costs 3 to 10 %.
"""

import errno
import logging
import sys
import time
from datetime import timedelta
from types import TracebackType
from typing import Any

from gunicorn.glogging import Logger

from common.api.environ import USER
from common.observability.clients import client_address
from common.observability.logs import JSONFormatter, json_line
from common.observability.request_ids import ENVIRON

LONGEST_PATH = 512  # characters

logger = logging.getLogger(__name__)


class JSONLogger(Logger):
    """Sends gunicorn's logs to the root logger, and writes an access log line for each request."""

    def setup(self, cfg: Any) -> None:
        """Leave handlers and levels to the root logger, and log Python's warnings too."""
        self.cfg = cfg
        for log in (self.error_log, self.access_log):
            log.handlers = []
            log.propagate = True
            log.setLevel(logging.NOTSET)
        handler = logging.StreamHandler()
        handler.setFormatter(JSONFormatter())
        # For lines that come before Django configures the root logger, which it does anew.
        logging.basicConfig(handlers=[handler])
        logging.captureWarnings(True)

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        """Write a request's line, without the query string, which may contain names."""
        if not self.access_log.isEnabledFor(logging.INFO):
            return
        # Creating a log record would take longer than writing the line.
        line = json_line(
            time.time(),
            "INFO",
            self.access_log.name,
            "request",
            request_id=environ.get(ENVIRON),
            client=client_address(environ),
            user=environ.get(USER),
            method=environ.get("REQUEST_METHOD"),
            path=environ.get("PATH_INFO", "")[:LONGEST_PATH],
            status=int(resp.status.split()[0]),
            milliseconds=round(request_time.total_seconds() * 1000, 1),
        )
        sys.stderr.write(line + "\n")


class HubErrors:
    """Logs what gevent would print on standard error: exceptions outside of requests."""

    def __init__(self) -> None:
        self.next_shortage = 0.0

    def __call__(
        self,
        context: object,
        kind: type[BaseException],
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Log an exception. A shortage of open files occurs again at once: log it once a second."""
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            if time.monotonic() < self.next_shortage:
                return
            self.next_shortage = time.monotonic() + 1
        exception = error if error else kind()
        logger.error("gevent: %s failed.", context, exc_info=(kind, exception, traceback))
