"""JSON objects from files: one a line, or a whole file of one object or an array of them."""

import gzip
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from .lines import read_lines, read_whole_text
from .policy import ErrorPolicy, SourceLocation, parse_each

JsonObject: TypeAlias = dict[str, object]

_BETWEEN_VALUES = re.compile(r"[\s,]*")
_DECODER = json.JSONDecoder()


def as_json_object(value: object, location: SourceLocation) -> JsonObject:
    """The value, when it is a JSON object.

    Raises:
        DataError: If it is anything else.
    """
    if not isinstance(value, dict):
        raise location.error(
            f"expected a JSON object {{…}}, found {type(value).__name__} {shorten(value)}. "
            "Write one object for each record."
        )
    return value


def shorten(value: object, length: int = 60) -> str:
    """The value as Python would write it, cut for an error message."""
    shown = repr(value[:length] if isinstance(value, str) else value)
    return shown if len(shown) <= length + 2 else shown[:length] + "…"


def parse_json_line(text: str, location: SourceLocation) -> JsonObject:
    """Parse one line that holds one JSON object.

    Raises:
        DataError: If the line is not JSON, or not an object.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise location.error(
            f"expected one JSON object on the line, found {shorten(text.strip())} ({error}). "
            "Correct the line, or skip it."
        ) from error
    return as_json_object(value, location)


def read_json_lines(path: Path, policy: ErrorPolicy) -> Iterator[tuple[SourceLocation, JsonObject]]:
    """The objects of a JSON Lines file, plain or gzip; blank lines are passed over."""
    return parse_each(read_lines(path, policy), parse_json_line, policy)


def read_json_values(path: Path) -> Iterator[tuple[SourceLocation, object]]:
    """The values of a ``.json`` file: the items of one array, or the values one after another.

    The whole file is held in memory.

    Raises:
        DataError: If the file is not JSON; what follows a fault cannot be found again, so there
            is no skipping.
    """
    text = read_whole_text(path)
    stripped = text.strip()
    is_array = stripped.startswith("[")
    position = text.find("[") + 1 if is_array else 0
    end = len(text.rstrip())
    if is_array and stripped.endswith("]"):
        end -= 1
    number, line, counted = 0, 1, 0
    while True:
        position = _BETWEEN_VALUES.match(text, position, end).end()  # type: ignore[union-attr]
        if position >= end:
            return
        line += text.count("\n", counted, position)
        counted = position
        location = SourceLocation(path, line, number)
        try:
            value, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            raise location.error(f"expected JSON, found a fault: {error}. Correct it.") from error
        yield location, value
        number += 1


def write_json_lines(
    path: str | Path,
    records: Iterable[JsonObject],
    parse: Callable[[JsonObject, SourceLocation], object],
    *,
    compress: bool | None = None,
) -> int:
    """Write one object a line; equal ones give equal bytes.

    Args:
        path: The file; what it held is lost.
        records: Drawn one by one.
        parse: What will read a record again; it is let to refuse one now rather than later.
        compress: Whether to gzip; by default where the name ends in ``.gz``.

    Returns:
        How many were written.
    """
    path = Path(path)
    n_written = 0
    with path.open("wb") as raw:
        # No name and no time in the header, or the same records would not give the same file.
        is_gzip = path.suffix == ".gz" if compress is None else compress
        file = gzip.GzipFile("", "wb", 6, raw, mtime=0) if is_gzip else raw
        with file:
            for record in records:
                parse(record, SourceLocation(path, n_written + 1, n_written))
                file.write((json.dumps(record, ensure_ascii=False) + "\n").encode("utf-8"))
                n_written += 1
    return n_written
