"""Changing an index: passages are added, and what is left over is cleared away.

Each change writes new files and then a new manifest, in one step: whoever opens the index sees it
before or after. Who had it open goes on with what was opened (``storage/snapshots.py``).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from ...data import Passage, PrereadError, ReadReport
from ...reader import Reader
from ..builder.executors.local import Executor, LocalExecutor
from ..builder.extend import Extension, extend
from ..builder.lookup_and_bm25 import write_lookup_of
from ..builder.scan import BuildEstimate, estimate, scan_corpus
from ..config import AddConfig, corpus_passages
from ..dense.build import compact_dense, load_encoder
from ..errors import N_LISTED, listed
from ..index import PassageIndex
from ..storage.journal import Journal, read_plan, remove_journal
from ..storage.manifest import Manifest
from ..storage.snapshots import publish
from ..storage.writing import writing
from .compact import rewrite_shards
from .delete import without


def add_passages(
    index: Path,
    corpus: Path,
    reader: Reader,
    config: AddConfig | None = None,
    *,
    executor: Executor | None = None,
    resume: bool = False,
    show_progress: bool = False,
    on_estimate: Callable[[BuildEstimate], None] = lambda found: None,
) -> tuple[Manifest, ReadReport]:
    """Put more passages into an index.

    An addition that was stopped anywhere leaves the index as it was; the same call with ``resume``
    goes on with it, anything else discards what it had done.

    Args:
        index: The index folder.
        corpus: File or folder of passages.
        reader: The one that made the index.
        config: Everything else.
        executor: Where passages are encoded; by default in processes of this machine.
        resume: Go on with an addition that stopped; begins one where there is none.
        show_progress: Draw progress bars on standard error.
        on_estimate: Told what it will cost, before it is done.

    Returns:
        The new manifest, and what was read and skipped of the corpus.

    Raises:
        DataError: If the corpus is not what its format promises.
        IndexFormatError: If there is no index.
        IndexMismatchError: If another reader made it, another encoder its dense vectors, or another
            addition is to be resumed.
        PrereadError: If passages are in the index already and are not to be replaced, or the
            encoder of its dense vectors is gone.
    """
    config = config or AddConfig()
    report = ReadReport()
    with writing(index, keep_journal=resume):
        opened = PassageIndex(index)
        base = opened.manifest
        codec = opened.codec(reader)
        if resume and _is_done(index, base):
            remove_journal(index)
            return base, report
        encoder = (
            load_encoder(index, base.dense, str(reader.device)) if base.dense is not None else None
        )
        replaced: list[int] = []
        passages = corpus_passages(corpus, config)
        checked = _check_identifiers(passages, opened, config.replace, replaced)
        scan = scan_corpus(checked, show_progress=show_progress)
        plan = {
            "operation": "add",
            "generation": base.generation,
            "corpus": str(corpus),
            "corpus_format": config.corpus_format.value,
            "on_error": config.on_error.value,
            "limit": config.limit,
            "replace": config.replace,
        }
        journal = Journal(
            index, plan, resume=resume, otherwise="add without --resume, which discards it"
        )
        n_shards = -(-scan.n_passages // base.plan.passages_per_shard)
        executor = executor or LocalExecutor(config.workers)
        workers = executor.workers(reader, n_shards)
        estimated = estimate(scan, reader, codec, base.plan.rows_per_batch, workers)
        on_estimate(estimated)
        before = without(index, base, replaced) if replaced else base
        extension = Extension(
            index=index,
            base=before,
            plan=base.plan,
            codec=codec,
            codec_file=base.codec_file,
            executor=executor,
            n_shards=n_shards,
            n_tokens=estimated.n_tokens,
            encoder=encoder,
        )
        passages = corpus_passages(corpus, config, report)
        manifest = extend(extension, passages, reader, journal, report, show_progress)
        opened.close()
        return manifest, report


def change_reader(index: Path, reader: Reader) -> Manifest:
    """Let another reader read an index from now on: one with the same lower layers.

    Such is a reader whose upper layers learned on. States stay as they are; whoever has the index
    open goes on with the reader before, and a server takes up the change.

    Args:
        index: The index folder.
        reader: It is loaded by its name when the index is opened.

    Returns:
        The new manifest, or the old one if this was its reader.

    Raises:
        IndexFormatError: If there is no index.
        IndexMismatchError: If the reader's lower layers did not make the states.
    """
    with writing(index):
        base = Manifest.load(index)
        with PassageIndex(index) as opened:
            opened.codec(reader)
        if base.plan.reader == reader.name:
            return base
        plan = replace(base.plan, reader=reader.name)
        manifest = replace(base, generation=base.generation + 1, plan=plan)
        publish(index, manifest)
        return manifest


def compact_index(index: Path, *, show_progress: bool = False) -> Manifest:
    """Clear away what deletions and small additions left.

    Shards are rewritten where passages were deleted or where neighbours are small; lookup files
    become one, and so do files of dense vectors. Passages, their states, ordinals and the BM25
    index stay as they are.

    Args:
        index: The index folder.
        show_progress: Draw progress bars on standard error.

    Returns:
        The new manifest, or the old one where there is nothing to clear away.

    Raises:
        IndexFormatError: If there is no index, or bytes have changed.
    """
    with writing(index):
        opened = PassageIndex(index)
        base = opened.manifest
        shards, next_shard = rewrite_shards(opened, show_progress)
        generation = base.generation + 1
        dense = base.dense and compact_dense(index, base.dense, generation, opened.deleted)
        is_clear = shards == base.shards and len(base.lookups) == 1 and base.deleted is None
        if is_clear and dense == base.dense:
            return base
        manifest = replace(
            base,
            generation=generation,
            shards=shards,
            lookups=(write_lookup_of(index, shards, generation, show_progress),),
            deleted=None,
            next_shard=next_shard,
            dense=dense,
        )
        publish(index, manifest)
        opened.close()
        return manifest


def _is_done(index: Path, manifest: Manifest) -> bool:
    """Whether a crash came between the manifest of an addition and the end of its journal."""
    plan = read_plan(index)
    return plan is not None and plan.get("generation") != manifest.generation


def _check_identifiers(
    passages: Iterable[Passage], index: PassageIndex, may_replace: bool, replaced: list[int]
) -> Iterator[Passage]:
    """Note which passages of the index the new ones replace, or refuse them."""
    known: list[str] = []
    n_known = 0
    for passage in passages:
        ordinals = index.find(passage.passage_id)
        if ordinals and not may_replace:
            n_known += 1
            known = [*known, passage.passage_id][: N_LISTED + 1]  # one more for the dots
        replaced += ordinals
        yield passage
    if n_known:
        raise PrereadError(
            f"{index.path}: {n_known} of the passages are in the index already: {listed(known)}. "
            "Nothing was added. Delete them first, or replace them (--replace)."
        )
    replaced[:] = sorted(set(replaced))
