"""Building an index: shards first, then lookup and BM25 over their texts, then the manifest."""

import logging
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from ...data import PrereadError, ReadReport
from ...data.io.atomic import atomic_path
from ...reader import Reader
from ...reader.codecs import (
    Codec,
    CodecName,
    QuantisedCodec,
    find_codec,
    learn_codec,
    load_codec,
    sample_states,
    save_codec,
)
from ..config import IndexConfig, corpus_passages
from ..errors import IndexMismatchError
from ..storage.files import FileEntry
from ..storage.journal import PLAN_FILE, Journal, check_earlier, remove_journal
from ..storage.manifest import CODEC_FILE, MANIFEST_FILE, BuildPlan, Manifest
from ..storage.snapshots import WRITER_LOCK, sole_writer
from ..storage.writing import explaining_write_errors
from .executors.local import Executor, LocalExecutor
from .extend import Extension, extend
from .scan import BuildEstimate, CorpusScan, estimate, scan_corpus

_LOG = logging.getLogger(__name__)


def build_index(
    corpus: str | Path,
    index: str | Path,
    reader: Reader,
    config: IndexConfig | None = None,
    *,
    executor: Executor | None = None,
    resume: bool = False,
    show_progress: bool = False,
    on_estimate: Callable[[BuildEstimate], None] = lambda found: None,
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
        executor: Where passages are encoded; by default in processes of this machine. The bytes do
            not depend on it.
        resume: Go on with a build that was begun there; begins one where there is none.
        show_progress: Draw progress bars on standard error.
        on_estimate: Told what the index will cost, before it is made.

    Returns:
        The manifest, and what was read and skipped of the corpus.

    Raises:
        DataError: If the corpus is not what its format promises.
        IndexMismatchError: If the build to be resumed had other passages, reader or options.
        PrereadError: If the folder cannot be used.
    """
    corpus = Path(corpus)
    index = Path(index)
    config = config or IndexConfig()
    chosen = str(config.codec or reader.config.codec)
    codec = find_codec(chosen, reader)
    name = codec.name if codec else CodecName.parse(chosen)
    plan = _plan(corpus, reader, config, name)
    report = ReadReport()
    with explaining_write_errors(index):
        if resume and (index / MANIFEST_FILE).exists():
            return _finished(index, plan), report
        _check_folder(index)
        check_earlier(index, asdict(plan), resume=resume)
        # An empty or bad corpus must leave no folder behind.
        scan = scan_corpus(corpus_passages(corpus, config), show_progress=show_progress)
        index.mkdir(parents=True, exist_ok=True)
        with sole_writer(index):
            journal = Journal(index, asdict(plan), resume=resume)
            codec, codec_file = _settle_codec(index, codec, name, reader, scan, show_progress)
            n_shards = -(-scan.n_passages // config.passages_per_shard)
            executor = executor or LocalExecutor(config.workers)
            workers = executor.workers(reader, n_shards)
            estimated = estimate(scan, reader, codec, config.rows_per_batch, workers)
            on_estimate(estimated)
            extension = Extension(
                index=index,
                base=None,
                plan=plan,
                codec=codec,
                codec_file=codec_file,
                executor=executor,
                n_shards=n_shards,
                n_tokens=estimated.n_tokens,
            )
            passages = corpus_passages(corpus, config, report)
            manifest = extend(extension, passages, reader, journal, report, show_progress)
            remove_journal(index)
    return manifest, report


def _plan(corpus: Path, reader: Reader, config: IndexConfig, codec: CodecName) -> BuildPlan:
    """What decides the bytes."""
    return BuildPlan(
        reader=reader.name,
        fingerprint=reader.fingerprint,
        hidden_size=reader.config.hidden_size,
        num_lower_layers=reader.config.num_lower_layers,
        codec=str(codec),
        passages_per_shard=config.passages_per_shard,
        rows_per_batch=config.rows_per_batch,
        corpus=str(corpus),
        corpus_format=config.corpus_format.value,
        on_error=config.on_error.value,
        limit=config.limit,
        title_weight=config.title_weight,
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


def _check_folder(index: Path) -> None:
    """Refuse a place that holds something else than an unfinished build."""
    if index.exists() and not index.is_dir():
        raise PrereadError(f"{index}: expected a folder or nothing, found a file.")
    if (index / MANIFEST_FILE).exists():
        raise PrereadError(f"{index}: an index is there already. Remove it, or name another.")
    if not index.exists():
        return
    ours = (PLAN_FILE + ".tmp", WRITER_LOCK)
    if not (index / PLAN_FILE).exists() and any(f.name not in ours for f in index.iterdir()):
        raise PrereadError(f"{index}: the folder holds other files; name an empty or new one.")


def _settle_codec(
    index: Path,
    codec: Codec | None,
    name: CodecName,
    reader: Reader,
    scan: CorpusScan,
    show_progress: bool,
) -> tuple[Codec, FileEntry | None]:
    """The codec, learned if need be; a learned one has its file in the index."""
    path = index / CODEC_FILE
    if not name.kind.is_learned:
        assert codec is not None
        return codec, None
    if not path.exists():
        if codec is None:
            states = sample_states(reader, scan.sample, show_progress=show_progress)
            codec = learn_codec(name, reader, states, show_progress=show_progress)
        assert isinstance(codec, QuantisedCodec)
        with atomic_path(path) as temporary:
            save_codec(codec, reader, temporary)
    return load_codec(path, reader), FileEntry.of(index, CODEC_FILE)
