"""Building an index: shards first, then BM25 over their texts, then the manifest."""

import errno
import logging
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from ..data import (
    CorpusFormat,
    OnError,
    Passage,
    PrereadError,
    ReadReport,
    read_corpus,
)
from ..reader import Reader
from .bm25 import build_bm25
from .codec import CodecName, make_codec
from .encode import write_shard
from .errors import IndexMismatchError
from .files import atomic_path, sha256_of
from .journal import Journal, hash_passages, remove_journal
from .manifest import LUCENE_FOLDER, MANIFEST_FILE, STATES_FOLDER, BuildPlan, Manifest, ShardEntry
from .shard import ShardReader

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexConfig:
    """How a corpus becomes an index."""

    corpus_format: CorpusFormat = CorpusFormat.AUTO
    codec: CodecName = CodecName.FLOAT16
    passages_per_shard: int = 5_000
    """A build resumes at the last whole shard; 5,000 passages take a minute or two on two cores."""
    rows_per_batch: int = 4_096
    """Tokens that the lower layers see at once; more only costs memory on a CPU."""
    on_error: OnError = OnError.FAIL
    limit: int | None = None
    """Index only the first passages."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            PrereadError: If one is not positive.
        """
        for name in ("passages_per_shard", "rows_per_batch", "limit"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise PrereadError(f"{name} must be at least 1, found {value}.")


def build_index(
    corpus: Path,
    index: Path,
    reader: Reader,
    config: IndexConfig | None = None,
    *,
    resume: bool = False,
    show_progress: bool = False,
) -> tuple[Manifest, ReadReport]:
    """Read a corpus ahead of time.

    A build that was stopped anywhere leaves no index, but a folder that the same call with
    ``resume`` completes, to the same bytes (Lucene's own files aside, which hold the same
    documents).

    Args:
        corpus: File or folder of passages.
        index: Folder to make.
        reader: Makes the states.
        config: Everything else; the defaults suit most.
        resume: Go on with a build that was begun there; begins one where there is none.
        show_progress: Draw progress bars on standard error.

    Returns:
        The manifest, and what was read and skipped of the corpus.

    Raises:
        DataError: If the corpus is not what its format promises.
        IndexMismatchError: If the build to be resumed had other passages, reader or options.
        PrereadError: If the folder cannot be used.
    """
    config = config or IndexConfig()
    plan = _plan(corpus, reader, config)
    report = ReadReport()
    try:
        if resume and (index / MANIFEST_FILE).exists():
            return _finished(index, plan), report
        passages = read_corpus(
            corpus,
            format=config.corpus_format,
            on_error=config.on_error,
            report=report,
            limit=config.limit,
        )
        first = next(passages)  # an empty or unreadable corpus must leave no folder behind
        journal = Journal(index, plan, resume=resume)
        _write_shards(_chain(first, passages), index, reader, journal, show_progress)
        _write_bm25(index, journal.shards, show_progress)
        manifest = Manifest(
            plan=plan, shards=tuple(journal.shards), n_records_skipped=report.n_skipped
        )
        manifest.save(index)
        remove_journal(index)
    except OSError as error:
        raise _write_error(index, error) from error
    return manifest, report


def _plan(corpus: Path, reader: Reader, config: IndexConfig) -> BuildPlan:
    """What decides the bytes."""
    return BuildPlan(
        reader=reader.name,
        fingerprint=reader.fingerprint,
        hidden_size=reader.config.hidden_size,
        num_lower_layers=reader.config.num_lower_layers,
        codec=config.codec.value,
        passages_per_shard=config.passages_per_shard,
        rows_per_batch=config.rows_per_batch,
        corpus=str(corpus),
        corpus_format=config.corpus_format.value,
        on_error=config.on_error.value,
        limit=config.limit,
    )


def _finished(index: Path, plan: BuildPlan) -> Manifest:
    """The index that ``--resume`` found complete."""
    manifest = Manifest.load(index)
    if asdict(manifest.plan) != asdict(plan):
        raise IndexMismatchError(
            f"{index}: a finished index of another corpus, reader or options is there. Remove it, "
            "or name another folder."
        )
    remove_journal(index)  # a crash may have come between manifest and this
    return manifest


def _chain(first: Passage, rest: Iterable[Passage]) -> Iterator[Passage]:
    yield first
    yield from rest


def _runs(passages: Iterable[Passage], length: int) -> Iterator[list[Passage]]:
    """Cut passages into the runs that make a shard each."""
    run: list[Passage] = []
    for passage in passages:
        run.append(passage)
        if len(run) == length:
            yield run
            run = []
    if run:
        yield run


def _write_shards(
    passages: Iterable[Passage], index: Path, reader: Reader, journal: Journal, show: bool
) -> None:
    """Write the shards that are not there yet."""
    finished = {shard.file: shard for shard in journal.shards}
    with tqdm(unit=" passages", desc="reading ahead", disable=not show, smoothing=0.05) as bar:
        for number, run in enumerate(_runs(passages, journal.plan.passages_per_shard)):
            name = f"{STATES_FOLDER}/shard-{number:05d}.h5"
            if name in finished:
                _check_same_passages(index, finished.pop(name), run)
                bar.update(len(run))
                continue
            journal.add(_write_shard(index, name, run, reader, journal.plan, bar))
    if finished:
        raise IndexMismatchError(
            f"{index}: the corpus ended before {min(finished)}, which an earlier build made from "
            "it. The corpus has changed: remove the folder and build again."
        )


def _write_shard(
    index: Path,
    name: str,
    run: list[Passage],
    reader: Reader,
    plan: BuildPlan,
    bar: "tqdm[None]",
) -> ShardEntry:
    """Write one shard and describe it."""
    done = bar.n
    n_rows_done = 0
    n_rows_about = sum(len(p.text) for p in run) / 4.5  # characters to a token, for the bar only

    def on_progress(n_tokens: int) -> None:
        nonlocal n_rows_done
        n_rows_done += n_tokens
        share = min(1.0, n_rows_done / max(n_rows_about, 1.0))
        bar.update(done + int(share * len(run)) - bar.n)

    with atomic_path(index / name) as temporary:
        codec = make_codec(plan.codec)
        counts = write_shard(temporary, run, reader, codec, plan.rows_per_batch, on_progress)
        entry = ShardEntry(
            file=name,
            n_passages=counts.n_passages,
            n_windows=counts.n_windows,
            n_tokens=counts.n_tokens,
            n_text_bytes=counts.n_text_bytes,
            bytes=temporary.stat().st_size,
            sha256=sha256_of(temporary),
            passages_blake2b=hash_passages(run),
        )
    bar.update(done + len(run) - bar.n)
    return entry


def _check_same_passages(index: Path, shard: ShardEntry, run: list[Passage]) -> None:
    """A shard that is kept must have been made from the passages that are there now."""
    if hash_passages(run) != shard.passages_blake2b:
        raise IndexMismatchError(
            f"{index}: {shard.file} was made from other passages than the corpus holds there now. "
            "The corpus has changed since the build began: remove the folder and build again."
        )


def _write_bm25(index: Path, shards: list[ShardEntry], show: bool) -> None:
    """Index the texts of all shards, unless an earlier run got that far."""
    folder = index / LUCENE_FOLDER
    if folder.exists():
        return
    total = sum(shard.n_passages for shard in shards)
    with tqdm(total=total, unit=" passages", desc="indexing for BM25", disable=not show) as bar:

        def texts() -> Iterator[Passage]:
            for shard in shards:
                opened = ShardReader(index / shard.file)
                for row in range(opened.n_passages):
                    yield opened.passage(row)
                    bar.update()

        build_bm25(texts(), folder)


def _write_error(index: Path, error: OSError) -> PrereadError:
    """Say what to do when the disk refuses."""
    advice = "Choose a folder you may write to."
    if error.errno == errno.ENOSPC:
        advice = "The disk is full: make room and go on with --resume."
    return PrereadError(f"{index}: cannot be written: {error.strerror or error}. {advice}")
