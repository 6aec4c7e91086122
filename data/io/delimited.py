"""Rows of tab-separated files with csv quoting."""

import csv
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from ..errors import DataError
from .lines import MAX_LINE_BYTES, decode_line, read_raw_lines, without_marks
from .policy import ErrorPolicy, SourceLocation

# Python's own limit is 131,072 characters, about 20,000 words; passages may be longer.
csv.field_size_limit(MAX_LINE_BYTES)

_MAX_ROW_LINES = 1000
"""Lines of a row; a quote that is open for longer is treated as a stray one."""
_DIGITS = re.compile(r"\d+")
_LETTERS = re.compile(r"[^\W\d_]+")
_N_KNOWN = 5
"""Rows after which identifiers without spaces are taken for a rule of the file."""


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


class _Identifiers:
    """What the identifiers of a file look like, by which a line is known to begin with one."""

    def __init__(self) -> None:
        self._n_seen = 0
        self._form: str | None = None
        self._is_varied = False
        self._are_numbers = True
        self._have_spaces = False

    def add(self, raw: bytes) -> None:
        """Learn from the first line of a row."""
        first = _first_field(raw.split(b"\t", 1)[0].decode("utf-8", errors="replace"))
        form = _form_of(first)
        self._n_seen += 1
        self._have_spaces |= " " in first
        self._are_numbers &= form == "0"
        self._is_varied |= self._have_spaces or self._form not in (None, form)
        self._form = form

    def have_form_of(self, line: str) -> bool:
        """Decide whether a line begins with an identifier of the form that all have.

        The form of ``doc-12`` is ``a-0``. Where identifiers differ in form, or have spaces, any
        beginning may be one.
        """
        return self._is_varied or _form_of(_first_field(line)) == self._form

    def exclude(self, line: str) -> bool:
        """Decide whether a line certainly begins with prose, and not with an identifier.

        It has no digit where all identifiers are numbers, or spaces where several have none.
        """
        first = _first_field(line)
        if self._are_numbers and not _DIGITS.search(first):
            return True
        is_known = self._n_seen >= _N_KNOWN and not self._have_spaces
        return is_known and " " in first


def _first_field(line: str) -> str:
    """Return what stands before the first tab, without quotes."""
    return line.split("\t", 1)[0].replace('"', "").strip()


def _form_of(identifier: str) -> str:
    """Return an identifier with ``0`` for each run of digits and ``a`` for each of letters."""
    return _LETTERS.sub("a", _DIGITS.sub("0", identifier))


def read_rows(
    path: Path, policy: ErrorPolicy, *, n_fields: int, has_header: bool = False
) -> Iterator[tuple[SourceLocation, list[str]]]:
    """Read the rows of a tab-separated file.

    Quoting is that of Python's ``csv``: a field in double quotes may contain tabs, newlines and
    doubled quotes; a quote elsewhere is text. Blank lines are skipped, and byte order marks at the
    start of a row are removed. A quote that is not closed before the next row spoils only its own
    row. A field that holds a line like a row is read as valid csv, and the row is reported as one
    that may be several.

    Args:
        path: A file, plain or gzip.
        policy: What to do with a row that is not UTF-8 or in which a quote is not closed.
        n_fields: Number of fields that a row should have; used to recognise the next row after a
            quote that is not closed. Rows with another number of fields are yielded too.
        has_header: Whether the first row is a header, which is never skipped: the row below it
            would be taken for it.

    Yields:
        The location of each row's first line, and the row's fields.

    Raises:
        DataError: If the file cannot be read, its header cannot, or the policy is to fail and a row
            is refused.
    """
    lines = _Lines(path)
    identifiers = _Identifiers()
    number = 0
    while (raw := lines.take()) is not None:
        raw = without_marks(raw)
        if not raw.strip(b"\r\n"):
            continue
        location = SourceLocation(path, lines.line, number)
        if number == 1:  # the first row may be a header
            identifiers = _Identifiers()
        identifiers.add(raw)
        number += 1
        try:
            yield location, _read_row(raw, lines, location, n_fields, identifiers, policy)
        except (DataError, csv.Error) as error:
            fault = error if isinstance(error, DataError) else _csv_fault(error, location)
            if has_header and number == 1:
                raise fault from None
            policy.reject(fault)


def _read_row(
    raw: bytes,
    lines: _Lines,
    location: SourceLocation,
    n_fields: int,
    identifiers: _Identifiers,
    policy: ErrorPolicy,
) -> list[str]:
    """Parse the row that begins with a line, taking further lines while a quote is open.

    The policy is told of a row whose quoted field holds a line like a row.
    """
    fault: DataError | None = None
    try:
        text = decode_line(raw, location)
    except DataError as error:
        fault, text = error, raw.decode("utf-8", errors="replace")
    row = _parse(text)
    is_whole = len(text.split("\t")) == n_fields
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
        if _begins_a_row(line, n_fields, identifiers, is_after_whole=is_whole):
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
    like_rows = [
        number
        for number, line in enumerate(more, lines.line - len(more) + 1)
        if _has_fields_of_a_row(line.decode("utf-8"), n_fields, n_filled=1)
    ]
    if like_rows:
        policy.doubt(
            location.error(
                f"the quoted field that starts here holds line {like_rows[0]}, which has the "
                f"{n_fields} fields of a row. If it is a row of its own, close the quote, or "
                'double each " that is part of the text.'
            )
        )
    return row


def _has_fields_of_a_row(line: str, n_fields: int, *, n_filled: int) -> bool:
    """Decide whether a line has the number of fields of a row, the first ones of them filled."""
    fields = line.rstrip("\r\n").split("\t")
    return len(fields) == n_fields and all(field.strip('" ') for field in fields[:n_filled])


def _parse(text: str) -> list[str] | None:
    """Return the fields of a row; None where a quote is still open."""
    is_open = False

    def feed() -> Iterator[str]:
        nonlocal is_open
        yield text
        is_open = True  # csv.reader asks for another line only within quotes

    row = next(csv.reader(feed(), delimiter="\t"), [])
    return None if is_open else row


def _begins_a_row(
    line: str, n_fields: int, identifiers: _Identifiers, *, is_after_whole: bool
) -> bool:
    """Decide whether a line after an open quote starts a row of its own.

    It can only where it has the number of fields of a row, and the first two are filled. Where the
    line with the open quote has the fields of a row, too, this one is a row unless its beginning
    cannot be an identifier: a row that is refused is reported, and one that is taken for a part of
    a field is lost in silence. Where it may be part of a field, because the line with the open
    quote has other fields, its identifier must have the form of the others. It is part of the field
    where its quoting is not that of a row, and where a field could close the open quote: one that
    ends with a quote that it does not begin with, or that consists of quotes only.
    """
    if not _has_fields_of_a_row(line, n_fields, n_filled=2):
        return False
    fields = line.rstrip("\r\n").split("\t")
    may_close = any(
        field.count('"') % 2
        and field.endswith('"')
        and (not field.startswith('"') or not field.strip('"'))
        for field in fields
    )
    try:
        is_row = not may_close and (_parse(line) is None or _is_sound(line, n_fields))
    except csv.Error:
        is_row = False
    if is_after_whole:
        return is_row or not identifiers.exclude(line)
    return is_row and identifiers.have_form_of(line)


def _is_sound(text: str, n_fields: int) -> bool:
    """Decide whether a complete text is a row: its quoting and number of fields are right."""
    try:
        row = next(csv.reader(iter([text]), delimiter="\t", strict=True))
    except csv.Error:
        return False
    return len(row) == n_fields


def _csv_fault(error: csv.Error, location: SourceLocation) -> DataError:
    if str(error).startswith("new-line character"):
        return location.error(
            "expected a row of tab-separated fields, found a carriage return (\\r) inside a line. "
            "If it ends the lines of the file, convert them, for instance with tr '\\r' '\\n'; "
            "if it is part of a field, remove it, or put the field in double quotes."
        )
    return location.error(
        f"expected a row of tab-separated fields, found a fault ({error}). The usual cause is a "
        "double quote that is not closed: double each one that is part of the text."
    )
