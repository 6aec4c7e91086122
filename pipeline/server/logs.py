"""Logs: one JSON object a line, without people's questions unless the settings ask for them."""

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any

FACTS = "facts"
"""Name of the attribute of a log record that holds its fields."""


class JsonFormatter(logging.Formatter):
    """Writes a record as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as one line.

        An exception is written as its type and where it was raised, without its message, which may
        quote the request.

        Args:
            record: The record.
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
    """Log an event with its fields.

    Args:
        logger: Where to log.
        level: Level of the event, as in ``logging``.
        event: Name of the event.
        **facts: Its fields.
    """
    logger.log(level, "%s", event, extra={FACTS: facts})


def write_json_logs() -> None:
    """Send all logs of this process to standard error as JSON."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("preread").setLevel(logging.INFO)
