"""Log lines as JSON, Django's and gunicorn's alike."""

import json
import logging
import sys
import time
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any

from gunicorn.glogging import Logger

encode = json.JSONEncoder(ensure_ascii=False, default=str).encode
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def json_line(seconds: float, level: str, logger: str, message: str, **more: Any) -> str:
    """Return a log line; the seconds are those since 1970."""
    moment = datetime.fromtimestamp(seconds, UTC).isoformat()
    line = {"time": moment, "level": level, "logger": logger, "message": message, **more}
    return encode(line)


class JSONFormatter(logging.Formatter):
    """A log record as one line of JSON, with the id of the request that it belongs to."""

    def format(self, record: logging.LogRecord) -> str:
        more = {"request_id": request_id.get()}
        if record.exc_info:
            more["exception"] = self.formatException(record.exc_info)
        return json_line(record.created, record.levelname, record.name, record.getMessage(), **more)


class GunicornLogger(Logger):
    """gunicorn's log through the logging of Django's settings, with a line for each request."""

    def setup(self, cfg: Any) -> None:
        """Leave handlers and levels to the root logger, and Python's warnings too."""
        self.cfg = cfg
        for log in (self.error_log, self.access_log):
            log.handlers = []
            log.propagate = True
            log.setLevel(logging.NOTSET)
        logging.captureWarnings(True)

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        """Write a request's line. The query string is left out, since it may name people."""
        if not self.access_log.isEnabledFor(logging.INFO):
            return
        # A log record would take longer to make than the line.
        line = json_line(
            time.time(),
            "INFO",
            self.access_log.name,
            "request",
            request_id=request_id.get(),
            method=environ.get("REQUEST_METHOD"),
            path=environ.get("PATH_INFO"),
            status=int(resp.status.split()[0]),
            milliseconds=round(request_time.total_seconds() * 1000, 1),
        )
        sys.stderr.write(line + "\n")
