"""Rows of tab-separated files with csv quoting."""

import csv
from collections.abc import Iterator
from pathlib import Path

from .errors import DataError
from .lines import decode_line, read_raw_lines
from .policy import ErrorPolicy, Place

# Python's limit of 131,072 characters is about 20,000 words; passages may be longer.
csv.field_size_limit(1 << 30)


class _Lines:
    """A file's lines for ``csv.reader``, which remember what a row met on its way."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._raw_lines = read_raw_lines(path)
        self._fault: DataError | None = None
        self._is_at_end = False
        self.line = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        raw = next(self._raw_lines, None)
        if raw is None:
            self._is_at_end = True
            raise StopIteration
        self.line += 1
        try:
            return decode_line(raw, Place(self._path, self.line))
        except DataError as error:
            self._fault = self._fault or error
            return raw.decode("utf-8", errors="replace")

    def check_row(self, place: Place) -> None:
        """Raise what went wrong on the lines of the row that was just read."""
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault
        if self._is_at_end:  # csv.reader asks for a line after the last only within quotes
            raise place.error(
                "expected the quoted field that starts here to be closed, found the end of the "
                'file. Close it, or double each " that is part of the text.'
            )


def read_rows(path: Path, policy: ErrorPolicy) -> Iterator[tuple[Place, list[str]]]:
    r"""The rows of a tab-separated file, plain or gzip.

    Quoting is Python's ``csv``: a field in double quotes may hold tabs, newlines and doubled
    quotes; a quote elsewhere is text. Blank lines are passed over.

    Args:
        path: The file.
        policy: What to do with rows that are not UTF-8 or whose quotes do not end.

    Yields:
        Where a row starts, counting physical lines, and its fields.

    Raises:
        DataError: If the file cannot be read, or the policy says so.
    """
    lines = _Lines(path)
    rows = csv.reader(lines, delimiter="\t")
    number = 0
    while True:
        place = Place(path, lines.line + 1, number)
        try:
            row = next(rows, None)
            if row is None:
                return
            lines.check_row(place)
        except (csv.Error, DataError) as error:
            number += 1
            policy.reject(error if isinstance(error, DataError) else _csv_fault(error, place))
            continue
        if row:
            number += 1
            yield place, row


def _csv_fault(error: csv.Error, place: Place) -> DataError:
    """The error for a row that ``csv`` refused."""
    return place.error(
        f"expected a row of tab-separated fields, found a fault ({error}). A double quote that "
        "is not closed is the usual cause: double each one that is part of the text."
    )
