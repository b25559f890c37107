"""Log lines as JSON, Django's and gunicorn's alike."""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any

from gunicorn.glogging import Logger

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


class JSONFormatter(logging.Formatter):
    """A log record as one line of JSON, with the id of the request that it belongs to."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": request_id.get(),
            **getattr(record, "request_line", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class GunicornLogger(Logger):
    """gunicorn's log through the logging of Django's settings, with a line for each request."""

    def setup(self, cfg: Any) -> None:
        """Leave handlers and levels to the root logger."""
        self.cfg = cfg
        for log in (self.error_log, self.access_log):
            log.handlers = []
            log.propagate = True
            log.setLevel(logging.NOTSET)

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        """Write a request's line. The query string is left out, since it may name people."""
        headers = dict(resp.headers)
        request_line = {
            "method": environ.get("REQUEST_METHOD"),
            "path": environ.get("PATH_INFO"),
            "status": int(resp.status.split()[0]),
            "milliseconds": round(request_time.total_seconds() * 1000, 1),
            "request_id": headers.get("X-Request-ID"),
        }
        self.access_log.info("request", extra={"request_line": request_line})
