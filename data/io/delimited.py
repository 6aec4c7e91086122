"""Rows of tab-separated files with csv quoting."""

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from ..errors import DataError
from .lines import MAX_LINE_BYTES, decode_line, read_raw_lines
from .policy import ErrorPolicy, SourceLocation

# Python's own limit is 131,072 characters, about 20,000 words; passages may be longer.
csv.field_size_limit(MAX_LINE_BYTES)

_MAX_ROW_LINES = 1000
"""Lines of a row; a quote that is open for longer is treated as a stray one."""


class _Lines:
    """A file's lines, which can be put back to be read again."""

    def __init__(self, path: Path) -> None:
        self._raw_lines = read_raw_lines(path)
        self._returned: deque[bytes] = deque()
        self.line = 0
        """Number of the line taken last, counted from 1."""

    def take(self) -> bytes | None:
        """Return the next line; None at the end of the file."""
        raw = self._returned.popleft() if self._returned else next(self._raw_lines, None)
        if raw is not None:
            self.line += 1
        return raw

    def give_back(self, raw_lines: list[bytes]) -> None:
        """Put back the lines taken last."""
        self._returned.extendleft(reversed(raw_lines))
        self.line -= len(raw_lines)


def read_rows(
    path: Path, policy: ErrorPolicy, *, n_fields: int
) -> Iterator[tuple[SourceLocation, list[str]]]:
    """Read the rows of a tab-separated file.

    Quoting is that of Python's ``csv``: a field in double quotes may contain tabs, newlines and
    doubled quotes; a quote elsewhere is text. Blank lines are skipped. A quote that is not closed
    before the next row spoils only its own row.

    Args:
        path: A file, plain or gzip.
        policy: What to do with a row that is not UTF-8 or in which a quote is not closed.
        n_fields: Number of fields that a row should have; used to recognise the next row after a
            quote that is not closed. Rows with another number of fields are yielded too.

    Yields:
        The location of each row's first line, and the row's fields.

    Raises:
        DataError: If the file cannot be read, or the policy is to fail and a row is refused.
    """
    lines = _Lines(path)
    number = 0
    while (raw := lines.take()) is not None:
        if not raw.strip(b"\r\n"):
            continue
        location = SourceLocation(path, lines.line, number)
        number += 1
        try:
            yield location, _read_row(raw, lines, location, n_fields)
        except DataError as error:
            policy.reject(error)
        except csv.Error as error:
            policy.reject(_csv_fault(error, location))


def _read_row(raw: bytes, lines: _Lines, location: SourceLocation, n_fields: int) -> list[str]:
    """Parse the row that begins with a line, taking further lines while a quote is open.

    Raises:
        DataError: If a line is not UTF-8, or a quote is not closed.
        csv.Error: If ``csv`` refuses the row.
    """
    fault: DataError | None = None
    try:
        text = decode_line(raw, location)
    except DataError as error:
        fault, text = error, raw.decode("utf-8", errors="replace")
    row = _parse(text)
    more: list[bytes] = []
    n_bytes = len(raw)
    while row is None:
        following = lines.take() if len(more) < _MAX_ROW_LINES else None
        if following is None:
            break
        more.append(following)
        n_bytes += len(following)
        if n_bytes > MAX_LINE_BYTES:
            break
        try:
            line = decode_line(following, SourceLocation(location.path, lines.line))
        except DataError as error:
            fault, line = fault or error, following.decode("utf-8", errors="replace")
        if _begins_a_row(line, n_fields):
            break
        text += line
        if '"' in line:
            row = _parse(text)
            if row is not None and not _is_sound(text, n_fields):
                row = None
                break
    if row is None:
        lines.give_back(more)
        raise location.error(
            "expected the quoted field that starts here to be closed before the next row, found "
            'no end. Close it, or double each " that is part of the text.'
        )
    if fault is not None:
        raise fault
    return row


def _parse(text: str) -> list[str] | None:
    """Return the fields of a row; None where a quote is still open.

    Raises:
        csv.Error: If ``csv`` refuses the text.
    """
    is_open = False

    def feed() -> Iterator[str]:
        nonlocal is_open
        yield text
        is_open = True  # csv.reader asks for another line only within quotes

    row = next(csv.reader(feed(), delimiter="\t"), [])
    return None if is_open else row


def _begins_a_row(line: str, n_fields: int) -> bool:
    """Decide whether a line after an open quote starts a row of its own.

    It does where it has the number of fields of a row, the first two are filled, its quoting is
    right, and no field could close the open quote. A field could where it ends with a quote that it
    does not begin with, or consists of quotes only.
    """
    fields = line.rstrip("\r\n").split("\t")
    if len(fields) != n_fields or not all(field.strip('" ') for field in fields[:2]):
        return False
    closes = any(
        field.count('"') % 2
        and field.endswith('"')
        and (not field.startswith('"') or not field.strip('"'))
        for field in fields
    )
    try:
        return not closes and (_parse(line) is None or _is_sound(line, n_fields))
    except csv.Error:
        return False


def _is_sound(text: str, n_fields: int) -> bool:
    """Decide whether a complete text is a row: its quoting and number of fields are right."""
    try:
        row = next(csv.reader(iter([text]), delimiter="\t", strict=True))
    except csv.Error:
        return False
    return len(row) == n_fields


def _csv_fault(error: csv.Error, location: SourceLocation) -> DataError:
    """Make the error for a row that ``csv`` has refused."""
    return location.error(
        f"expected a row of tab-separated fields, found a fault ({error}). The usual cause is a "
        "double quote that is not closed: double each one that is part of the text."
    )
