"""Pairs of texts from GLUE: tab-separated with a header, without quoting.

Source: https://gluebenchmark.com/tasks.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ..errors import DataError
from ..io.fields import take_text
from ..io.json_records import JsonObject, shorten
from ..io.lines import read_lines
from ..io.policy import ErrorPolicy, SourceLocation, parse_each, parsing
from ..records import PairExample
from .labels import take_label


class _Columns(NamedTuple):
    """Names of a task's columns."""

    example_id: str
    first: str
    second: str
    label: str


_MNLI = _Columns("pairID", "sentence1", "sentence2", "gold_label")
_QQP = _Columns("id", "question1", "question2", "is_duplicate")
_QQP_LABELS = {"0": "false", "1": "true"}


def _pair(record: JsonObject, location: SourceLocation, columns: _Columns) -> PairExample:
    return PairExample(
        example_id=take_text(record, columns.example_id, location).strip(),
        first=take_text(record, columns.first, location),
        second=take_text(record, columns.second, location),
        label=take_label(record, columns.label, location),
    )


def _duplicate(record: JsonObject, location: SourceLocation) -> PairExample:
    """Parse a pair of questions, whose label is a digit."""
    label = record[_QQP.label]
    if label not in _QQP_LABELS:
        raise location.error(
            f"expected {_QQP.label!r} to be 0 or 1, found {shorten(label)}. Correct or drop the "
            "line."
        )
    named: JsonObject = record | {_QQP.label: _QQP_LABELS[str(label)]}
    return _pair(named, location, _QQP)


def _records(
    path: Path, policy: ErrorPolicy, columns: _Columns
) -> Iterator[tuple[SourceLocation, JsonObject]]:
    """Read the lines as objects with the names in the header."""
    lines = read_lines(path, policy)
    location, header = next(lines, (SourceLocation(path, 1), ""))
    names = _fields(header)
    missing = [name for name in columns if name not in names]
    if missing:
        raise DataError(
            f"expected a header with {', '.join(columns)}, found no {' and no '.join(missing)} in "
            f"{shorten(header.strip())}. Name a file with labels; a test set has none.",
            path=path,
            line=location.line,
        )

    def parse(text: str, location: SourceLocation) -> JsonObject:
        fields = _fields(text)
        if len(fields) != len(names):
            raise location.error(
                f"expected {len(names)} tab-separated fields, as in the header, found "
                f"{len(fields)}. Correct or drop the line."
            )
        return dict(zip(names, fields, strict=True))

    return parse_each(lines, parse, policy)


def _fields(line: str) -> list[str]:
    return line.rstrip("\r\n").split("\t")


read_glue_mnli = parsing(partial(_records, columns=_MNLI), partial(_pair, columns=_MNLI))
"""Reads GLUE's MultiNLI."""
read_glue_qqp = parsing(partial(_records, columns=_QQP), _duplicate)
"""Reads GLUE's Quora question pairs, whose labels become ``true`` and ``false``."""
