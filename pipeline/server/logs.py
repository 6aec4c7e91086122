"""Logs: one JSON object a line, without what people ask unless that is wanted."""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, TextIO

FACTS = "facts"
"""Name of the attribute of a log record that holds its fields."""


class JsonFormatter(logging.Formatter):
    """Writes a record as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """One line.

        Of an exception, its type and where it was raised are written, not its message: that may
        quote the request.
        """
        content: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, FACTS, {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            content["exception"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])
            content["raised_at"] = [f"{f.filename}:{f.lineno} {f.name}" for f in frames]
        return json.dumps(content, ensure_ascii=False, default=str)


def log(logger: logging.Logger, level: int, event: str, **facts: object) -> None:
    """Write an event with its fields."""
    logger.log(level, "%s", event, extra={FACTS: facts})


def write_json_logs(stream: TextIO | None = None) -> None:
    """Send all logs of this process to a stream (standard error) as JSON."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("preread").setLevel(logging.INFO)
