"""The start of a file, from which its format is detected."""

import json
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ..errors import DataError
from .json_records import read_json_values
from .lines import read_first_line, read_raw_lines

_N_LINES = 20
"""Lines read; the first may be damaged in a file that is read with ``OnError.SKIP``."""


@dataclass(frozen=True, slots=True)
class Start:
    """How a file starts."""

    first_line: str
    """First line that is not blank, stripped; empty where there is none."""
    fields: tuple[str, ...]
    """Field names of the first JSON object; empty where there is none."""


def data_suffix(path: Path) -> str:
    """Return a file's suffix in lower case without ``.gz``: ``.tsv`` for ``corpus.tsv.gz``.

    Args:
        path: The file; only its name counts.
    """
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def peek(path: Path) -> Start:
    """Read the start of a file; all of a ``.json`` file, which may be one long line.

    Args:
        path: A file, plain or gzip.

    Returns:
        Its first line and the field names of its first record. Damage in a record is ignored.

    Raises:
        DataError: If the file cannot be read.
    """
    if data_suffix(path) == ".json":
        return Start(_decode(read_first_line(path)), _fields_of_file(path))
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
    return raw.decode("utf-8", errors="replace").strip()


def _fields_of_line(text: str) -> tuple[str, ...]:
    """Return the field names of a line that is a JSON object."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    return tuple(value) if isinstance(value, dict) else ()


def _fields_of_file(path: Path) -> tuple[str, ...]:
    """Return the field names of the first value of a ``.json`` file."""
    try:
        _, value = next(read_json_values(path), (None, None))
    except DataError:  # the reader of the format reports it
        return ()
    return tuple(value) if isinstance(value, dict) else ()
