"""The format of a file of passages, recognised by its first record."""

import json
from pathlib import Path

from ..documents import DOCUMENT_SUFFIXES
from ..errors import DataError
from ..io.json_records import JSON_LINES_SUFFIXES
from ..io.lines import read_start
from ..io.peek import Start, data_suffix, peek, unknown_format
from ..nq import is_nq
from .dpr import HEADER, TABLE_SUFFIXES
from .formats import CorpusFormat

RECORD_SUFFIXES = JSON_LINES_SUFFIXES | TABLE_SUFFIXES | {".json"}
"""Suffixes of files of records, in lower case; the other format is that of documents."""
_N_START_BYTES = 1 << 16
"""Bytes at the start of a file in which passages are looked for."""
_N_OBJECTS = 100
"""Beginnings of JSON objects that are tried there."""
_DECODER = json.JSONDecoder()


def detect_file(path: Path) -> CorpusFormat:
    """Detect a file's format.

    Args:
        path: The file, plain or gzip.

    Raises:
        DataError: If the file cannot be read, or is in none of the formats.
    """
    suffix = data_suffix(path)
    if suffix in DOCUMENT_SUFFIXES:
        return CorpusFormat.DOCUMENTS
    start = peek(path)
    if suffix in TABLE_SUFFIXES or has_header(start):
        return CorpusFormat.DPR
    known = _format_of_fields(start.fields)
    if known is not None:
        return known
    if start.fields:
        names = ", ".join(map(repr, start.fields))
        raise unknown_format("a corpus", CorpusFormat, f"a record with {names}", path)
    if suffix == ".json":
        return CorpusFormat.PYSERINI
    if suffix in JSON_LINES_SUFFIXES or start.first_line.startswith("{"):
        return CorpusFormat.JSONL  # damaged or empty; its reader reports it
    raise unknown_format("a corpus", CorpusFormat, "a file of another kind", path)


def format_of_start(file: Path, start: Start) -> CorpusFormat | None:
    """Return the format of a file of records; None where its start holds no passage.

    Args:
        file: The file; only its name counts.
        start: How it starts.
    """
    if data_suffix(file) in TABLE_SUFFIXES:
        return CorpusFormat.DPR if has_header(start) else None
    return _format_of_fields(start.fields)


def has_header(start: Start) -> bool:
    """Decide whether a file begins with the header of DPR's passages.

    Args:
        start: How it starts.
    """
    return start.first_line.split("\t") == list(HEADER)


def _format_of_fields(fields: tuple[str, ...]) -> CorpusFormat | None:
    """The format of JSON objects with these fields; None where no format has them."""
    if "contents" in fields:
        return CorpusFormat.PYSERINI
    if is_nq(fields):
        return CorpusFormat.NQ
    if "_id" in fields:
        return CorpusFormat.BEIR
    if {"id", "text"} & set(fields):
        return CorpusFormat.JSONL
    return None


def holds_passages(file: Path) -> bool:
    """Decide whether there are passages in the start of a file, at any level of its JSON.

    Args:
        file: A file of any kind. One that cannot be read holds none.
    """
    try:
        text = read_start(file, _N_START_BYTES).decode("utf-8", errors="replace")
    except DataError:
        return False
    text = text.lstrip("\ufeff \t\r\n")
    if text.split("\n", 1)[0].rstrip().split("\t") == list(HEADER):
        return True
    if not text.startswith(("{", "[")):
        return False
    position = 0
    for _ in range(_N_OBJECTS):
        position = text.find("{", position)
        if position < 0:
            return False
        try:
            value, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):  # it may go on behind the start
            position += 1
        else:
            if _has_passage(value):
                return True
    return False


def _has_passage(value: object) -> bool:
    """Decide whether a value is a passage, with identifier and text, or has one inside."""
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            is_named = {"id", "_id"} & value.keys()
            if is_named and any(isinstance(value.get(name), str) for name in ("text", "contents")):
                return True
            pending += value.values()
        elif isinstance(value, list):
            pending += value
    return False
