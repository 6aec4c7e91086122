"""Rows of tab-separated files with csv quoting."""

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from ..errors import DataError
from .lines import decode_line, read_raw_lines
from .policy import ErrorPolicy, SourceLocation

# Python's limit of 131,072 characters is about 20,000 words; passages may be longer.
csv.field_size_limit(1 << 30)

_MOST_LINES = 1000
"""Lines that a row may have; a quote that is open for longer is taken for a stray one."""


class _Lines:
    """A file's lines, some of which may be given back to be read again."""

    def __init__(self, path: Path) -> None:
        self._raw_lines = read_raw_lines(path)
        self._returned: deque[bytes] = deque()
        self.line = 0
        """Number of the line that was taken last."""

    def take(self) -> bytes | None:
        """The next line; None at the end of the file."""
        raw = self._returned.popleft() if self._returned else next(self._raw_lines, None)
        if raw is not None:
            self.line += 1
        return raw

    def give_back(self, raw_lines: list[bytes]) -> None:
        """Put back the lines that were taken last."""
        self._returned.extendleft(reversed(raw_lines))
        self.line -= len(raw_lines)


def read_rows(
    path: Path, policy: ErrorPolicy, *, n_fields: int
) -> Iterator[tuple[SourceLocation, list[str]]]:
    r"""The rows of a tab-separated file, plain or gzip.

    Quoting is Python's ``csv``: a field in double quotes may hold tabs, newlines and doubled
    quotes; a quote elsewhere is text. Blank lines are passed over. A quote that is opened and not
    closed before the next row costs its own row only.

    Args:
        path: The file.
        policy: What to do with rows that are not UTF-8 or whose quotes do not end.
        n_fields: How many fields a row should have. It tells where a row begins behind a quote that
            was not closed; rows with other numbers of fields are returned, too.

    Yields:
        Where a row starts, counting physical lines, and its fields.

    Raises:
        DataError: If the file cannot be read, or the policy says so.
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
    """The row that begins with a line, and as many further lines as a quoted field has.

    Raises:
        DataError: If a line is not UTF-8, or a quote is not closed.
        csv.Error: If the row is no row.
    """
    fault: DataError | None = None
    try:
        text = decode_line(raw, location)
    except DataError as error:
        fault, text = error, raw.decode("utf-8", errors="replace")
    row = _parse(text)
    more: list[bytes] = []
    while row is None:
        following = lines.take() if len(more) < _MOST_LINES else None
        if following is None:
            break
        more.append(following)
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
    """The fields of a row; None where a quote is still open.

    Raises:
        csv.Error: If the text is no row.
    """
    is_open = False

    def feed() -> Iterator[str]:
        nonlocal is_open
        yield text
        is_open = True  # csv.reader asks for another line only within quotes

    row = next(csv.reader(feed(), delimiter="\t"), [])
    return None if is_open else row


def _begins_a_row(line: str, n_fields: int) -> bool:
    """Whether a line within an open quote looks like a row of its own.

    It has as many fields as a row, the first two filled, its quoting is right as far as it goes,
    and no field ends with a quote which it does not begin with, or is made of quotes alone: such a
    one would close the field that is open.
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
    """Whether text that ends is a row: its number of fields and its quoting are right."""
    try:
        row = next(csv.reader(iter([text]), delimiter="\t", strict=True))
    except csv.Error:
        return False
    return len(row) == n_fields


def _csv_fault(error: csv.Error, location: SourceLocation) -> DataError:
    """The error for a row that ``csv`` refused."""
    return location.error(
        f"expected a row of tab-separated fields, found a fault ({error}). A double quote that "
        "is not closed is the usual cause: double each one that is part of the text."
    )
