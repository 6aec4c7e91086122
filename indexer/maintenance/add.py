"""Adding passages to an index.

Like every change of an index, an addition writes new files and then a new manifest in one step. A
reader that opens the index sees it as it was before or after the change; a reader that has it open
keeps what it opened (``storage/snapshots.py``).
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ...data import Passage, PrereadError, ReadReport
from ...data.documents.folder import DOCUMENT_FIELD
from ...reader import Reader
from ..builder.encode import LowerPass
from ..builder.executors.local import Executor, LocalExecutor
from ..builder.extend import Extension, extend, has_vectors, head_in_pass
from ..builder.scan import BuildEstimate, estimate, scan_corpus
from ..config import AddConfig, corpus_passages
from ..dense.build import load_encoder
from ..dense.encode import remove_work
from ..documents import stored_documents
from ..errors import N_LISTED, listed
from ..index import PassageIndex
from ..storage.journal import Journal, read_plan, remove_journal
from ..storage.manifest import Manifest
from ..storage.writing import writing
from .delete import without


def add_passages(
    index: str | Path,
    corpus: str | Path,
    reader: Reader,
    config: AddConfig | None = None,
    *,
    executor: Executor | None = None,
    resume: bool = False,
    show_progress: bool = False,
    on_estimate: Callable[[BuildEstimate], None] = lambda found: None,
) -> tuple[Manifest, ReadReport]:
    """Add the passages of a corpus to an index.

    An interrupted addition leaves the index as it was. The same call with ``resume`` continues it;
    any other change of the index discards its work.

    Args:
        index: The index folder.
        corpus: File or folder of passages.
        reader: The reader that made the index.
        config: How the corpus is read and encoded.
        executor: What encodes the passages; by default processes of this machine.
        resume: Continue an interrupted addition, or begin one if there is none.
        show_progress: Draw progress bars on standard error.
        on_estimate: Called with the expected cost before the passages are encoded.

    Returns:
        The new manifest, and a report of the records that were read and skipped.

    Raises:
        DataError: If a record of the corpus is not as its format requires.
        IndexFormatError: If there is no index.
        IndexMismatchError: If another reader made the index, another encoder made its dense
            vectors, or the interrupted addition had another corpus or other options.
        PrereadError: If passages are in the index already and ``config.replace`` is false, or the
            encoder of its dense vectors cannot be loaded.
    """
    index = Path(index)
    corpus = Path(corpus)
    config = config or AddConfig()
    report = ReadReport()
    with writing(index, keep_journal=resume, resumes=True):
        opened = PassageIndex(index)
        base = opened.manifest
        codec = opened.codec(reader)
        if resume and _is_done(index, base):
            remove_work(index)
            remove_journal(index)
            return base, report
        dense, device = base.dense, str(reader.device)
        encoder = load_encoder(index, dense, device, reader=reader) if dense is not None else None
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
            index,
            plan,
            resume=resume,
            otherwise="add without --resume, which discards it",
            is_whole=has_vectors(index, encoder),
        )
        n_shards = -(-scan.n_passages // base.plan.passages_per_shard)
        executor = executor or LocalExecutor(config.workers)
        workers = executor.workers(reader, n_shards)
        head = head_in_pass(encoder)
        lower = LowerPass(base.plan.rows_per_batch, base.plan.precision)
        estimated = estimate(scan, reader, codec, lower, workers, head)
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


def _is_done(index: Path, manifest: Manifest) -> bool:
    """Whether the addition is complete, but was killed before its journal was removed."""
    plan = read_plan(index)
    return plan is not None and plan.get("generation") != manifest.generation


def _check_identifiers(
    passages: Iterable[Passage], index: PassageIndex, may_replace: bool, replaced: list[int]
) -> Iterator[Passage]:
    """Collect the passages that new ones replace, or refuse identifiers that the index has.

    A document replaces all passages of the document with its name.
    """
    known: list[str] = []
    n_known = 0
    stored = {document.name: document.ordinals for document in stored_documents(index)}
    for passage in passages:
        ordinals = index.find(passage.passage_id)
        if ordinals and not may_replace:
            n_known += 1
            known = [*known, passage.passage_id][: N_LISTED + 1]  # one more for the dots
        replaced += ordinals + stored.pop(str(passage.metadata.get(DOCUMENT_FIELD)), [])
        yield passage
    if n_known:
        raise PrereadError(
            f"{index.path}: {n_known} of the passages are in the index already: {listed(known)}. "
            "Nothing was added. Delete them first, or replace them (--replace)."
        )
    replaced[:] = sorted(set(replaced))
