"""Options of building an index and of adding passages to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..data import CorpusFormat, OnError, Passage, PrereadError, ReadReport, read_corpus
from ..data.arguments import check_count, check_number
from ..data.io.json_records import shorten

PRECISIONS = ("float32", "bfloat16")
"""Number formats in which passages are encoded: those of the reader's `Precision`, whose module
needs PyTorch."""
MOST_TITLE_WEIGHT = 100
"""Largest title weight; the words of a title are indexed so often."""
_MOST = 10**12
"""Largest number of anything that is counted; the index format has room for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddConfig:
    """How the passages of an addition are read and encoded."""

    corpus_format: CorpusFormat = CorpusFormat.AUTO
    on_error: OnError = OnError.FAIL
    limit: int | None = None
    """Add only so many passages, from the start of the corpus; None adds all."""
    workers: int | None = None
    """Number of processes that encode, with one thread each; by default one for each core. The
    index has the same bytes with any number."""
    replace: bool = False
    """Whether a new passage replaces one with the same identifier; otherwise it is an error."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        _check_positive(limit=self.limit, workers=self.workers)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexConfig:
    """How the passages of a new index are read, encoded and stored."""

    corpus_format: CorpusFormat = CorpusFormat.AUTO
    codec: str | Path | None = None
    """``float16``, ``int8``, ``pqN``, ``rpqN`` (N bytes for each token), or the file of a learned
    codec; None takes the codec of the reader's configuration. A learned codec that the reader does
    not bring is learned from the corpus."""
    passages_per_shard: int = 2_000
    """A worker encodes one shard at a time, and an interrupted build resumes after the last
    complete shard."""
    rows_per_batch: int = 4_096
    """Number of tokens that the lower layers process at once; on a CPU, more only costs memory."""
    precision: str = "float32"
    """``float32`` or ``bfloat16``: number format of the lower layers' matrix products. bfloat16 is
    faster on devices with instructions for it, and slower on others. Additions use the same."""
    title_weight: int = 1
    """How often BM25 counts the words of a title, up to `MOST_TITLE_WEIGHT`; 0 leaves titles out.
    Additions use the same."""
    workers: int | None = None
    """Number of processes that encode, with one thread each; by default one for each core. The
    index has the same bytes with any number."""
    vectors: bool = True
    """Whether a reader with a retrieval head also makes a vector of each passage, in the same pass.
    Additions make vectors if the index has them."""
    on_error: OnError = OnError.FAIL
    limit: int | None = None
    """Index only so many passages, from the start of the corpus; None indexes all."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.precision not in PRECISIONS:
            raise PrereadError(
                f"precision: expected {' or '.join(PRECISIONS)}, found {shorten(self.precision)}."
            )
        check_count("title_weight", self.title_weight, least=0)
        check_number("title_weight", self.title_weight, 0, MOST_TITLE_WEIGHT)
        _check_positive(
            passages_per_shard=self.passages_per_shard,
            rows_per_batch=self.rows_per_batch,
            limit=self.limit,
            workers=self.workers,
        )


def _check_positive(**numbers: int | None) -> None:
    """Check numbers by their options: not below 1, nor more than any corpus has."""
    for name, value in numbers.items():
        if value is not None:
            check_count(name, value)
            if value > _MOST:
                raise PrereadError(f"{name} must be at most {_MOST:,}, found {value:,}.")


def corpus_passages(
    corpus: Path, config: AddConfig | IndexConfig, report: ReadReport | None = None
) -> Iterator[Passage]:
    """Read the passages of a corpus from its start.

    Args:
        corpus: File or folder of passages.
        config: Format, error policy and limit.
        report: Report that counts the records that are read and skipped.
    """
    return read_corpus(
        corpus,
        format=config.corpus_format,
        on_error=config.on_error,
        report=report,
        limit=config.limit,
    )
