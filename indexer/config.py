"""How a corpus is taken into an index: options that building and adding share."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..data import CorpusFormat, OnError, Passage, PrereadError, ReadReport, read_corpus


@dataclass(frozen=True, slots=True, kw_only=True)
class AddConfig:
    """How passages are read and encoded."""

    corpus_format: CorpusFormat = CorpusFormat.AUTO
    on_error: OnError = OnError.FAIL
    limit: int | None = None
    """Take only the first passages."""
    workers: int | None = None
    """Processes that encode, of one thread each; by default one a core. The bytes do not depend on
    it."""
    replace: bool = False
    """Let new passages take the place of those with the same identifiers."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            PrereadError: If one is not positive.
        """
        check_positive(limit=self.limit, workers=self.workers)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexConfig:
    """How a corpus becomes an index."""

    corpus_format: CorpusFormat = CorpusFormat.AUTO
    codec: str | Path | None = None
    """``float16``, ``int8``, ``pqN``, ``rpqN`` (N bytes a token), or the file of a learned codec;
    by default what the reader's configuration says. One that has to be learned and does not come
    with the reader is learned from the corpus."""
    passages_per_shard: int = 2_000
    """A build resumes at the last whole shard, and a shard is what a worker does at a time."""
    rows_per_batch: int = 4_096
    """Tokens that the lower layers see at once; more only costs memory on a CPU."""
    title_weight: int = 1
    """How often a passage's title counts for BM25; 0 leaves it out. Kept for later additions."""
    workers: int | None = None
    """As in `AddConfig`."""
    on_error: OnError = OnError.FAIL
    limit: int | None = None
    """Index only the first passages."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            PrereadError: If one is not positive, or the weight negative.
        """
        if self.title_weight < 0:
            raise PrereadError(f"title_weight must be at least 0, found {self.title_weight}.")
        check_positive(
            passages_per_shard=self.passages_per_shard,
            rows_per_batch=self.rows_per_batch,
            limit=self.limit,
            workers=self.workers,
        )


def check_positive(**numbers: int | None) -> None:
    """Refuse numbers below 1; None is none.

    Raises:
        PrereadError: If there is one.
    """
    for name, value in numbers.items():
        if value is not None and value < 1:
            raise PrereadError(f"{name} must be at least 1, found {value}.")


def corpus_passages(
    corpus: Path, config: AddConfig | IndexConfig, report: ReadReport | None = None
) -> Iterator[Passage]:
    """The corpus, from the beginning; what is skipped goes into the report."""
    return read_corpus(
        corpus,
        format=config.corpus_format,
        on_error=config.on_error,
        report=report,
        limit=config.limit,
    )
