"""A look at the start of a file, to tell its format."""

import json
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ..errors import DataError
from .json_records import read_json_values
from .lines import read_raw_lines

_N_LINES = 20
"""Lines looked at; the first may be damaged in a file that is read with ``OnError.SKIP``."""


@dataclass(frozen=True, slots=True)
class Start:
    """How a file starts."""

    first_line: str
    """Its first line that is not blank; empty where there is none."""
    fields: tuple[str, ...]
    """Names of the fields of its first JSON object; empty where there is none."""


def data_suffix(path: Path) -> str:
    """The suffix of the name in lower case, ``.gz`` aside: ``.tsv`` of ``corpus.tsv.gz``."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def peek(path: Path) -> Start:
    """Look at the start of a file, plain or gzip.

    Raises:
        DataError: If it cannot be read.
    """
    first_line = ""
    fields: tuple[str, ...] = ()
    is_whole_json = data_suffix(path) == ".json"
    for raw in islice(read_raw_lines(path), _N_LINES):
        text = raw.decode("utf-8", errors="replace").strip()
        first_line = first_line or text
        fields = () if is_whole_json else _fields_of_line(text)
        if fields:
            break
    return Start(first_line, _fields_of_file(path) if is_whole_json else fields)


def _fields_of_line(text: str) -> tuple[str, ...]:
    """Field names of a line that is a JSON object."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    return tuple(value) if isinstance(value, dict) else ()


def _fields_of_file(path: Path) -> tuple[str, ...]:
    """Field names of the first value of a ``.json`` file."""
    try:
        _, value = next(read_json_values(path), (None, None))
    except DataError:  # the reader of the format will say what is wrong
        return ()
    return tuple(value) if isinstance(value, dict) else ()
