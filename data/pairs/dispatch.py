"""Reading pairs of texts in any format."""

from collections.abc import Callable, Iterator
from pathlib import Path

from ..io.json_records import read_json_lines
from ..io.lines import check_file
from ..io.peek import peek, unknown_format
from ..io.policy import (
    ErrorPolicy,
    OnError,
    ReadReport,
    SourceLocation,
    check_limit,
    draw,
    parsing,
)
from ..records import PairExample
from .formats import PairFormat
from .glue import read_glue_mnli, read_glue_qqp
from .jsonl import parse_boolq, parse_mnli, parse_pair
from .labels import NO_LABEL

_READERS: dict[
    PairFormat, Callable[[Path, ErrorPolicy], Iterator[tuple[SourceLocation, PairExample]]]
] = {
    PairFormat.PAIRS: parsing(read_json_lines, parse_pair),
    PairFormat.BOOLQ: parsing(read_json_lines, parse_boolq),
    PairFormat.MNLI: parsing(read_json_lines, parse_mnli),
    PairFormat.GLUE_MNLI: read_glue_mnli,
    PairFormat.GLUE_QQP: read_glue_qqp,
}
_TELLING_FIELDS = {
    "text_a": PairFormat.PAIRS,
    "passage": PairFormat.BOOLQ,
    "sentence1": PairFormat.MNLI,
}
_TELLING_COLUMNS = {"sentence1": PairFormat.GLUE_MNLI, "question1": PairFormat.GLUE_QQP}


def read_pairs(
    path: str | Path,
    *,
    format: PairFormat = PairFormat.AUTO,
    on_error: OnError = OnError.FAIL,
    report: ReadReport | None = None,
    limit: int | None = None,
) -> Iterator[PairExample]:
    """Read pairs of texts, each with a label, in the order of the file.

    Pairs of MultiNLI on whose label the annotators did not agree are left out and counted. The path
    and its format are checked at once, records when they are drawn.

    Args:
        path: A file, plain or gzip.
        format: The format; ``AUTO`` detects it from the first record.
        on_error: What to do with a record that cannot be used.
        report: Updated with what is read, skipped and left out; None for no report.
        limit: Number of pairs after which to stop; None for all.

    Raises:
        DataError: If the file cannot be read or holds no pair, or ``on_error`` is ``FAIL`` and a
            record cannot be used.
        ValueError: If the limit is negative, or ``format`` or ``on_error`` is not a valid choice.
    """
    check_limit(limit)
    path = Path(path)
    policy = ErrorPolicy.of(on_error, report)
    check_file(path)
    chosen = PairFormat(format)
    if chosen is PairFormat.AUTO:
        chosen = _detect(path)
    found = _labelled(_READERS[chosen](path, policy), policy.report)
    return draw(found, path=path, noun="pair of texts", report=policy.report, limit=limit)


def _labelled(
    found: Iterator[tuple[SourceLocation, PairExample]], report: ReadReport
) -> Iterator[tuple[SourceLocation, PairExample]]:
    """Yield the pairs that have a label, and count the others."""
    for location, example in found:
        if example.label == NO_LABEL:
            report.left_out["no gold label"] += 1
        else:
            yield location, example


def _detect(path: Path) -> PairFormat:
    """Detect a file's format from its first record."""
    start = peek(path)
    for name, format in _TELLING_FIELDS.items():
        if name in start.fields:
            return format
    columns = start.first_line.split("\t")
    for name, format in _TELLING_COLUMNS.items():
        if name in columns:
            return format
    if not start.fields and start.first_line.startswith("{"):
        return PairFormat.PAIRS  # damaged; its reader reports it
    found = ", ".join(map(repr, start.fields)) or "no such record"
    raise unknown_format("pairs of texts", PairFormat, found, path)
