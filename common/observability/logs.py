"""Log lines as JSON, in the same format for Django and the server.

They are ASCII: control characters, line separators and those that change the direction of writing
are escaped, so no text of a client's can look like another line.
"""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from common.observability import request_ids

# What PostgreSQL adds to the message of an error: the values of a row, or of a statement.
DETAILS = re.compile(r"\n(DETAIL|CONTEXT|HINT|QUERY|LINE \d+): .+?(?=\n\n|\Z)", re.DOTALL)
encode = json.JSONEncoder(ensure_ascii=True, default=str).encode


def json_line(seconds: float, level: str, logger: str, message: str, **more: Any) -> str:
    """Return a log line as JSON; `seconds` is a Unix timestamp."""
    moment = datetime.fromtimestamp(seconds, UTC).isoformat()
    line = {"time": moment, "level": level, "logger": logger, "message": message, **more}
    return encode(line).replace("\x7f", "\\u007f")  # the only one that JSON leaves as it is


class JSONFormatter(logging.Formatter):
    """Formats a log record as one line of JSON, with the id of its request."""

    def format(self, record: logging.LogRecord) -> str:
        more = {"request_id": request_ids.current.get()}
        if record.exc_info:
            more["exception"] = DETAILS.sub("", self.formatException(record.exc_info))
        return json_line(record.created, record.levelname, record.name, record.getMessage(), **more)
