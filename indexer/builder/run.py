"""Building an index: first the shards, then lookup files and BM25, then the manifest."""

import logging
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...data import PrereadError, ReadReport
from ...data.arguments import check_path
from ...data.io.atomic import atomic_path
from ...data.io.json_records import shorten
from ...data.text.normalization import TextNormalization
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
from ..dense.encode import remove_work
from ..dense.head_encoder import HeadEncoder
from ..errors import IndexMismatchError
from ..storage.cleaning import is_unfinished
from ..storage.files import FileEntry
from ..storage.journal import PLAN_FILE, Journal, check_earlier, read_plan, remove_journal
from ..storage.manifest import CODEC_FILE, MANIFEST_FILE, BuildPlan, Manifest
from ..storage.snapshots import WRITER_LOCK, sole_writer
from ..storage.writing import explaining_write_errors
from .encode import LowerPass
from .executors.local import Executor, LocalExecutor
from .extend import Extension, extend, has_vectors, head_in_pass
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
    """Build an index of a corpus.

    An interrupted build leaves a folder without a manifest. The same call with ``resume`` completes
    it to the same bytes; only Lucene's files may differ, which hold the same documents.

    Args:
        corpus: File or folder of passages.
        index: Folder of the new index.
        reader: Computes the states, and vectors if it has a retrieval head.
        config: How the corpus is read, encoded and stored.
        executor: What encodes the passages; by default processes of this machine. The index has
            the same bytes with any executor.
        resume: Continue an interrupted build, or begin one if there is none.
        show_progress: Draw progress bars on standard error.
        on_estimate: Called with the expected cost before the passages are encoded.

    Returns:
        The manifest, and a report of the records that were read and skipped.

    Raises:
        DataError: If a record of the corpus is not as its format requires.
        IndexMismatchError: If the interrupted build had other passages, another reader or other
            options.
        PrereadError: If the folder holds something else, or cannot be written, or an argument is of
            another type.
    """
    corpus = check_path("corpus", corpus)
    index = check_path("index", index)
    if not isinstance(reader, Reader):
        raise PrereadError(
            f"reader: expected a Reader, found {shorten(reader)}. Load one with Reader.load."
        )
    config = config or IndexConfig()
    chosen = str(config.codec or reader.config.codec)
    codec = find_codec(chosen, reader)
    name = codec.name if codec else CodecName.parse(chosen)
    encoder = HeadEncoder.find(reader) if config.vectors else None
    plan = _plan(corpus, reader, config, name)
    steps = {**asdict(plan), "vectors": encoder.fingerprint if encoder else None}
    report = ReadReport(logs=False)  # the scan, which reads the corpus first, logs
    with explaining_write_errors(index, resumes=True):
        if resume and (index / MANIFEST_FILE).exists():
            return _finished(index, plan, steps), report
        _check_folder(index)
        check_earlier(index, steps, resume=resume)
        # Before the folder is made: an empty or bad corpus must leave none behind.
        scan = scan_corpus(corpus_passages(corpus, config), show_progress=show_progress)
        index.mkdir(parents=True, exist_ok=True)
        with sole_writer(index):
            journal = Journal(index, steps, resume=resume, is_whole=has_vectors(index, encoder))
            codec, codec_file = _settle_codec(index, codec, name, reader, scan, show_progress)
            n_shards = -(-scan.n_passages // config.passages_per_shard)
            executor = executor or LocalExecutor(config.workers)
            workers = executor.workers(reader, n_shards)
            head = head_in_pass(encoder)
            lower = LowerPass(plan.rows_per_batch, plan.precision)
            estimated = estimate(scan, reader, codec, lower, workers, head)
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
                encoder=encoder,
            )
            passages = corpus_passages(corpus, config, report)
            manifest = extend(extension, passages, reader, journal, report, show_progress)
            remove_journal(index)
    return manifest, report


def _plan(corpus: Path, reader: Reader, config: IndexConfig, codec: CodecName) -> BuildPlan:
    """The settings that decide the bytes of the index."""
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
        bm25_normalization=TextNormalization.NFKC.value,
        precision=config.precision,
    )


def _finished(index: Path, plan: BuildPlan, steps: dict[str, Any]) -> Manifest:
    """The manifest of an index that ``--resume`` found complete; ``steps`` is the journal's."""
    manifest = Manifest.load(index)
    if asdict(manifest.plan) != asdict(plan):
        raise IndexMismatchError(
            f"{index}: holds a finished index of another corpus, reader or options. Remove it, or "
            "name another folder."
        )
    if steps["vectors"] is not None and manifest.dense is None:
        _LOG.warning(
            "%s: is finished and has no vectors, but the reader has a retrieval head. `preread "
            "dense %s --encoder reader` adds them.",
            index,
            index,
        )
    if read_plan(index) == steps:  # a crash came right after the manifest was written
        remove_work(index)
        remove_journal(index)
    return manifest


def _check_folder(index: Path) -> None:
    """Refuse a folder that holds anything but an interrupted build."""
    if index.exists() and not index.is_dir():
        raise PrereadError(f"{index}: expected a folder or nothing, found a file. Name another.")
    if (index / MANIFEST_FILE).exists():
        raise PrereadError(
            f"{index}: holds an index already. Remove it, or name another folder; `preread add` "
            "adds passages to it."
        )
    if not index.exists():
        return
    names = [file.name for file in index.iterdir()]
    is_ours = all(name == WRITER_LOCK or is_unfinished(name) for name in names)
    if not (is_ours or PLAN_FILE in names):
        raise PrereadError(f"{index}: holds other files. Name an empty folder or a new one.")


def _settle_codec(
    index: Path,
    codec: Codec | None,
    name: CodecName,
    reader: Reader,
    scan: CorpusScan,
    show_progress: bool,
) -> tuple[Codec, FileEntry | None]:
    """The codec of the index, which is learned if need be, and the file of a learned codec."""
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
