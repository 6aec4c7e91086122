"""Reading a corpus of any format."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from ..io.policy import (
    ErrorPolicy,
    OnError,
    ReadReport,
    SourceLocation,
    check_limit,
    draw,
    parse_each,
)
from ..io.system_errors import explaining_read_errors
from ..records import Passage
from .checks import PassageCheck
from .detection import check_path, detect_corpus_format
from .documents import read_document_passages
from .dpr import read_dpr_passages
from .folder import record_files
from .formats import CorpusFormat
from .jsonl import read_jsonl_passages
from .nq import read_nq_passages
from .pyserini import read_pyserini_passages

RecordReader = Callable[[Sequence[Path], ErrorPolicy], Iterator[tuple[SourceLocation, Passage]]]

RECORD_READERS: dict[CorpusFormat, RecordReader] = {
    CorpusFormat.DPR: read_dpr_passages,
    CorpusFormat.JSONL: read_jsonl_passages,
    CorpusFormat.BEIR: partial(read_jsonl_passages, id_name="_id"),
    CorpusFormat.PYSERINI: read_pyserini_passages,
    CorpusFormat.NQ: read_nq_passages,
}


def read_corpus(
    path: str | Path,
    *,
    format: CorpusFormat = CorpusFormat.AUTO,
    on_error: OnError = OnError.FAIL,
    report: ReadReport | None = None,
    limit: int | None = None,
) -> Iterator[Passage]:
    """Read the passages of a corpus.

    Passages are streamed; only an 8-byte hash of each identifier is kept. The path and its format
    are checked at once, passages when they are drawn.

    Args:
        path: A file, plain or gzip, or a folder.
        format: The format; ``AUTO`` detects it from the path and the first record.
        on_error: What to do with a passage that cannot be used. Faults of a whole file (missing,
            gzip cut short, unknown format) are raised in either case.
        report: Updated with what is read and skipped; None for no report.
        limit: Number of passages after which to stop; None for all.

    Returns:
        The passages in the corpus's order, each with text and a unique identifier.

    Raises:
        DataError: If the corpus cannot be read or holds no passage, or ``on_error`` is ``FAIL`` and
            a passage cannot be used.
        ValueError: If the limit is negative, or ``format`` or ``on_error`` is not a valid choice.
    """
    check_limit(limit)
    path = Path(path)
    with explaining_read_errors(path):
        check_path(path)
        format = CorpusFormat(format)
        if format is CorpusFormat.AUTO:
            format = detect_corpus_format(path)
    policy = ErrorPolicy.of(on_error, report)
    with explaining_read_errors(path):
        located = _locate_passages(path, format, policy)
    found = parse_each(located, PassageCheck(), policy)
    passages = draw(found, path=path, noun="passage", report=policy.report, limit=limit)
    return _explained(passages, path)


def _locate_passages(
    path: Path, format: CorpusFormat, policy: ErrorPolicy
) -> Iterator[tuple[SourceLocation, Passage]]:
    """Read the passages of a corpus with their locations, not yet checked."""
    if format is CorpusFormat.DOCUMENTS:
        return read_document_passages(path, policy)
    return RECORD_READERS[format](record_files(path, format, policy.report), policy)


def _explained(passages: Iterator[Passage], path: Path) -> Iterator[Passage]:
    """Passages whose reading names the corpus if the operating system refuses it."""
    with explaining_read_errors(path):
        yield from passages
