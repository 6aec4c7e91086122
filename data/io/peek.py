"""The start of a file, from which its format is detected."""

import json
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path

from ..errors import DataError
from .json_records import first_json_value
from .lines import read_first_line, read_raw_lines, refuse_pipe, without_marks

_N_LINES = 20
"""Lines read; the first may be damaged in a file that is read with ``OnError.SKIP``."""


@dataclass(frozen=True, slots=True)
class Start:
    """How a file starts."""

    first_line: str
    """First line that is not blank, stripped; empty where there is none."""
    fields: tuple[str, ...]
    """Field names of the first JSON object; empty where there is none."""
    is_damaged: bool = False
    """Whether the first value of a ``.json`` file cannot be parsed."""


def unknown_format(what: str, formats: type[StrEnum], found: str, path: Path) -> DataError:
    """The error for a file or folder in none of the formats of its kind.

    Args:
        what: What was expected, such as ``questions``.
        formats: The formats, of which ``auto`` is not named.
        found: What is there instead.
        path: The file or folder.
    """
    choices = ", ".join(choice for choice in formats if choice != "auto")
    return DataError(
        f"expected {what} in one of the formats {choices}, found {found}. If it is one of these, "
        "name the format with --format.",
        path=path,
    )


def data_suffix(path: Path) -> str:
    """Return a file's suffix in lower case without ``.gz``: ``.tsv`` for ``corpus.tsv.gz``.

    Args:
        path: The file; only its name counts.
    """
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def peek(path: Path) -> Start:
    """Read the start of a file; all of a ``.json`` file whose first value is long.

    Args:
        path: A file, plain or gzip.

    Returns:
        Its first line and the field names of its first record. Damage in a record is ignored.

    Raises:
        DataError: If the file cannot be read, or is a pipe, which can be read only once.
    """
    refuse_pipe(path)
    if data_suffix(path) == ".json":
        return _start_of_json(path)
    first_line = ""
    fields: tuple[str, ...] = ()
    for raw in islice(read_raw_lines(path), _N_LINES):
        text = _decode(raw)
        first_line = first_line or text
        fields = _fields_of_line(text)
        if fields:
            break
    return Start(first_line, fields)


def _decode(raw: bytes) -> str:
    """Decode a line, whatever its bytes."""
    return without_marks(raw).decode("utf-8", errors="replace").strip()


def _fields_of_line(text: str) -> tuple[str, ...]:
    """Return the field names of a line that is a JSON object."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    return tuple(value) if isinstance(value, dict) else ()


def _start_of_json(path: Path) -> Start:
    first_line = _decode(read_first_line(path))
    try:
        value = first_json_value(path)
    except DataError:  # the reader of the format reports it
        return Start(first_line, (), is_damaged=True)
    return Start(first_line, tuple(value) if isinstance(value, dict) else ())
