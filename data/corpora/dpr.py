"""DPR's passages, ``psgs_w100.tsv``: tab-separated, csv quoting, the header ``id, text, title``.

Source: https://github.com/facebookresearch/DPR.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..io.delimited import read_rows
from ..io.json_records import shorten
from ..io.policy import ErrorPolicy, ReadReport, SourceLocation, parse_each
from ..records import Passage

HEADER = ("id", "text", "title")
TABLE_SUFFIXES = frozenset({".tsv"})
REPEATED_HEADER = "repeated header"
"""Reason under which a report counts the headers inside a file that was joined from several."""


def _parse_row(row: list[str], location: SourceLocation) -> Passage:
    if len(row) != len(HEADER):
        raise location.error(
            f"expected {len(HEADER)} tab-separated fields ({', '.join(HEADER)}), found {len(row)} "
            f"in {shorten(chr(9).join(row))}. Correct the row."
        )
    passage_id, text, title = row
    return Passage(passage_id, text, title)


def read_dpr_passages(
    files: Sequence[Path], policy: ErrorPolicy
) -> Iterator[tuple[SourceLocation, Passage]]:
    """Read DPR's passages.

    Args:
        files: The files, plain or gzip, each with a header.
        policy: What to do with a row that cannot be used; its report counts repeated headers.

    Yields:
        The location of each passage, and the passage.

    Raises:
        DataError: If a file cannot be read or has no header, or the policy is to fail and a row is
            refused.
    """
    for file in files:
        yield from _read_file(file, policy)


def _read_file(path: Path, policy: ErrorPolicy) -> Iterator[tuple[SourceLocation, Passage]]:
    rows = read_rows(path, policy, n_fields=len(HEADER), has_header=True)
    location, header = next(rows, (SourceLocation(path, 1), []))
    if header and tuple(header) != HEADER:
        raise location.error(
            f"expected the header {', '.join(HEADER)} (tab-separated), found "
            f"{shorten(chr(9).join(header))}. {_remedy(header)}"
        )
    yield from parse_each(_without_headers(rows, policy.report), _parse_row, policy)


def _without_headers(
    rows: Iterator[tuple[SourceLocation, list[str]]], report: ReadReport
) -> Iterator[tuple[SourceLocation, list[str]]]:
    """Leave out and count the rows that are headers."""
    for location, row in rows:
        if tuple(row) == HEADER:
            report.left_out[REPEATED_HEADER] += 1
        else:
            yield location, row


def _remedy(header: list[str]) -> str:
    """Say what to do with a first line that is not the header."""
    names = {name.strip().lower() for name in header}
    if names == set(HEADER):
        return "Put the columns, and their names, in this order."
    if names & set(HEADER):
        return "Correct the names and the columns below them."
    return "Add the header as the first line."
