"""Readers of Natural Questions; they stream, because the training set has 17 GB."""

from collections.abc import Iterator
from pathlib import Path

from ..errors import DataError
from ..io.folders import find_files
from ..io.json_records import JSON_LINES_SUFFIXES, JsonObject, read_json_lines
from ..io.lines import check_file
from ..io.policy import (
    ErrorPolicy,
    OnError,
    ReadReport,
    SourceLocation,
    check_limit,
    draw,
    parse_each,
)
from .parsing import parse_example
from .records import NqExample


def read_nq(
    path: str | Path,
    *,
    on_error: OnError = OnError.FAIL,
    report: ReadReport | None = None,
    limit: int | None = None,
) -> Iterator[NqExample]:
    """Read examples of Natural Questions, original or simplified.

    Examples are streamed. The path is checked at once, examples when they are drawn.

    Args:
        path: A file, plain or gzip, or a folder of files, as the original form is released.
        on_error: What to do with a record that cannot be used.
        report: Updated with what is read and skipped; None for no report.
        limit: Number of examples after which to stop; None for all.

    Returns:
        The examples, in the order of the files' names and of their lines.

    Raises:
        DataError: If a file cannot be read or there is no example, or ``on_error`` is ``FAIL`` and
            a record cannot be used.
        ValueError: If the limit is negative, or ``on_error`` is not a valid choice.
    """
    check_limit(limit)
    path = Path(path)
    policy = ErrorPolicy.of(on_error, report)
    find_nq_files(path)
    found = parse_each(read_nq_records(path, policy), parse_example, policy)
    return draw(found, path=path, noun="example", report=policy.report, limit=limit)


def find_nq_files(path: str | Path) -> list[Path]:
    """The files of Natural Questions at a path: itself, or a folder's JSON Lines, sorted.

    Args:
        path: A file, plain or gzip, or a folder of files.

    Raises:
        DataError: If the folder has no such file, or the file cannot be opened.
    """
    path = Path(path)
    if not path.is_dir():
        check_file(path)
        return [path]
    files = find_files(path, JSON_LINES_SUFFIXES)
    if not files:
        names = " or ".join(sorted(JSON_LINES_SUFFIXES))
        raise DataError(f"expected {names} files in the folder, found none. Add them.", path=path)
    return files


def read_nq_records(
    path: str | Path, policy: ErrorPolicy
) -> Iterator[tuple[SourceLocation, JsonObject]]:
    """Read the records of Natural Questions without parsing their fields.

    Args:
        path: A file, plain or gzip, or a folder of files.
        policy: What to do with a line that is not a JSON object.

    Yields:
        The location of each record, and the record.

    Raises:
        DataError: If a file cannot be read, there is none, or the policy is to fail and a line is
            refused.
    """
    path = Path(path)
    for file in find_nq_files(path):
        yield from read_json_lines(file, policy)
