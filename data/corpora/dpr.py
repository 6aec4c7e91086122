"""DPR's passages, ``psgs_w100.tsv`` (https://github.com/facebookresearch/DPR).

Tab-separated ``id``, ``text``, ``title`` with csv quoting and that header line.
"""

from collections.abc import Iterator
from pathlib import Path

from ..io.delimited import read_rows
from ..io.folders import files_of
from ..io.json_records import shorten
from ..io.policy import ErrorPolicy, SourceLocation, parse_each
from ..records import Passage

HEADER = ("id", "text", "title")
SUFFIXES = frozenset({".tsv"})


def parse_row(row: list[str], location: SourceLocation) -> Passage:
    """One row as a passage.

    Raises:
        DataError: If the row has not three fields.
    """
    if len(row) != len(HEADER):
        raise location.error(
            f"expected {len(HEADER)} tab-separated fields ({', '.join(HEADER)}), found {len(row)} "
            f"in {shorten(chr(9).join(row))}. Correct the row."
        )
    passage_id, text, title = row
    return Passage(passage_id, text, title)


def read_dpr_passages(path: Path, policy: ErrorPolicy) -> Iterator[tuple[SourceLocation, Passage]]:
    """The passages of one file, plain or gzip, or of all ``.tsv`` files of a folder.

    Raises:
        DataError: If a header is not there, the folder holds no such file, or the policy says so.
    """
    for file in files_of(path, SUFFIXES):
        yield from _read_file(file, policy)


def _read_file(path: Path, policy: ErrorPolicy) -> Iterator[tuple[SourceLocation, Passage]]:
    """The passages of one file."""
    rows = read_rows(path, policy, n_fields=len(HEADER))
    location, header = next(rows, (SourceLocation(path, 1), []))
    if header and tuple(header) != HEADER:
        raise location.error(
            f"expected the header {', '.join(HEADER)} (tab-separated), found "
            f"{shorten(chr(9).join(header))}. Add the header line."
        )
    yield from parse_each(rows, parse_row, policy)
