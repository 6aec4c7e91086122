"""JSON objects from files: one a line, or a whole file of one object or an array of them."""

import gzip
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from .atomic import naming_output
from .lines import read_lines, read_start, read_whole_text
from .policy import ErrorPolicy, SourceLocation, parse_each

JsonObject: TypeAlias = dict[str, object]

JSON_LINES_SUFFIXES = frozenset({".jsonl", ".ndjson", ".jsonlines", ".jl"})
"""Suffixes of files with one object a line."""

_SHOWN = 60
"""Characters of a value that an error shows."""
_SPACE = re.compile(r"\s*")
_DECODER = json.JSONDecoder()
_N_START_BYTES = 1 << 16
"""Bytes at the start of a file in which its first value is looked for."""


def as_json_object(value: object, location: SourceLocation) -> JsonObject:
    """Check that a value is a JSON object, and return it.

    Args:
        value: A value that ``json`` has parsed.
        location: Where it stands, for the error.

    Raises:
        DataError: If it is anything else.
    """
    if not isinstance(value, dict):
        raise location.error(
            f"expected a JSON object {{…}}, found {describe(value)}. "
            "Write one object for each record."
        )
    return value


def describe(value: object) -> str:
    """Name a value's Python type and show the value, as ``int 3``; ``null`` for None.

    Args:
        value: A parsed JSON value.
    """
    return "null" if value is None else f"{type(value).__name__} {shorten(value)}"


def shorten(value: object) -> str:
    """Show a value in an error message, cut after 60 characters.

    Args:
        value: Any value.
    """
    try:
        shown = repr(value[:_SHOWN] if isinstance(value, str) else value)
    except (RecursionError, ValueError):  # ValueError: an integer of more than 4,300 digits
        return "(too long or too deeply nested to show)"
    return shown if len(shown) <= _SHOWN + 2 else shown[:_SHOWN] + "…"


def parse_json_line(text: str, location: SourceLocation) -> JsonObject:
    """Parse a line that holds one JSON object.

    Args:
        text: The line.
        location: Where it stands, for the error.

    Raises:
        DataError: If the line is not JSON, is nested too deeply, or is not an object.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        if isinstance(error, json.JSONDecodeError) and _goes_on(text, error):
            raise location.error(
                f"expected one JSON object on the line, found {shorten(text.strip())}, which does "
                "not end there. If it goes on in the next lines, write each record on one line, "
                "for instance with jq -c; if the file was cut short, fetch it again."
            ) from error
        raise location.error(
            f"expected one JSON object on the line, found {shorten(text.strip())} "
            f"({_reason(error)}). Correct the line, or skip it."
        ) from error
    return as_json_object(value, location)


def _goes_on(text: str, error: json.JSONDecodeError) -> bool:
    """Decide whether a line holds the first part of an object or an array, correct so far."""
    is_cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
    return is_cut and text.lstrip().startswith(("{", "["))


def read_json_lines(path: Path, policy: ErrorPolicy) -> Iterator[tuple[SourceLocation, JsonObject]]:
    """Read the objects of a JSON Lines file; blank lines are skipped.

    Args:
        path: A file, plain or gzip.
        policy: What to do with a line that is not a JSON object.

    Yields:
        The location of each object, and the object.

    Raises:
        DataError: If the file cannot be read, or the policy is to fail and a line is refused.
    """
    return parse_each(read_lines(path, policy), parse_json_line, policy)


def read_json_object(path: Path, what: str) -> JsonObject:
    """Read a file that holds one JSON object.

    Args:
        path: A file, plain or gzip. It is held in memory as a whole.
        what: What the file should hold, for the error, such as ``"SQuAD's JSON"``.

    Raises:
        DataError: If the file cannot be read, is not JSON, is nested too deeply, or is not an
            object; the error names the line of a fault.
    """
    text = read_whole_text(path)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        raise SourceLocation(path, line).error(
            f"expected {what}, found a fault ({_reason(error)}). Correct it, or fetch the file "
            "again."
        ) from error
    return as_json_object(value, SourceLocation(path, None))


def read_json_values(path: Path) -> Iterator[tuple[SourceLocation, object]]:
    """Read the values of a ``.json`` file: the items of one array, or values one after another.

    Args:
        path: A file, plain or gzip. It is held in memory as a whole.

    Yields:
        The location of each value, and the value.

    Raises:
        DataError: If the file cannot be read, is not JSON, or is nested too deeply. A fault ends
            the reading whatever the policy, because the next value cannot be found.
    """
    text = read_whole_text(path)
    end = len(text.rstrip())
    is_array = text.lstrip().startswith("[")
    position = text.find("[") + 1 if is_array else 0
    cut = SourceLocation(path, text.count("\n", 0, end) + 1).error(
        "expected the array to end with ], found the end of the file. The file was cut short: "
        "fetch it again."
    )
    if is_array:
        end -= 1
        if text[end] != "]":
            raise cut
    number, line, counted = 0, 1, 0
    while True:
        position = _SPACE.match(text, position, end).end()  # type: ignore[union-attr]
        if position >= end:
            return
        if is_array and number:
            if text[position] != ",":
                line += text.count("\n", counted, position)
                raise SourceLocation(path, line, number).error(
                    f"expected a comma between two items, found {text[position]!r}. Correct it."
                )
            position = _SPACE.match(text, position + 1, end).end()  # type: ignore[union-attr]
        line += text.count("\n", counted, position)
        counted = position
        location = SourceLocation(path, line, number)
        try:
            value, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            raise location.error(
                f"expected JSON, found a fault: {_reason(error)}. Correct it."
            ) from error
        if position > end:  # the last bracket belongs to the value, not to the array
            raise cut
        yield location, value
        number += 1


def first_json_value(path: Path) -> object:
    """Read the first value that `read_json_values` would yield; None if there is none.

    Args:
        path: A ``.json`` file, plain or gzip. All of it is read only if the value is long.

    Raises:
        DataError: If the file cannot be read, or the value is not JSON or is nested too deeply.
    """
    start = (
        read_start(path, _N_START_BYTES).decode("utf-8", errors="replace").lstrip("\ufeff \t\r\n")
    )
    position = len(start) - len(start.removeprefix("[").lstrip())
    try:
        value, _ = _DECODER.raw_decode(start, position)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):  # a number or a word may go on behind the start
        return value
    _, value = next(read_json_values(path), (None, None))
    return value


def write_json_lines(
    path: str | Path,
    records: Iterable[JsonObject],
    parse: Callable[[JsonObject, SourceLocation], object],
    *,
    compress: bool | None = None,
) -> int:
    """Write one object a line, and count them; equal records give equal bytes.

    Args:
        path: The file to write; it is overwritten.
        records: The objects, drawn one by one.
        parse: The function that will parse a record when the file is read; a record that it
            refuses is not written.
        compress: Whether to gzip; by default where the name ends in ``.gz``.

    Raises:
        DataError: If ``parse`` refuses a record; the error names the line it would have been on.
    """
    path = Path(path)
    n_written = 0
    with naming_output(path), path.open("wb") as raw:
        # No name and no time in the header: they would make files of the same records differ.
        is_gzip = path.suffix == ".gz" if compress is None else compress
        file = gzip.GzipFile("", "wb", 6, raw, mtime=0) if is_gzip else raw
        with file:
            for record in records:
                parse(record, SourceLocation(path, n_written + 1, n_written))
                file.write((json.dumps(record, ensure_ascii=False) + "\n").encode("utf-8"))
                n_written += 1
    return n_written


def _reason(error: ValueError | RecursionError) -> str:
    """Say what the parser found wrong."""
    return "values nested too deeply" if isinstance(error, RecursionError) else str(error)
