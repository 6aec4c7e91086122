"""Keeping an index in step with a folder of documents.

What the index knows of a document lies in the metadata of its passages: the file's name and a hash
of its content. There is no other record that could fall out of step. A synchronisation deletes and
adds in one new generation, so that whoever opens the index sees the folder before or after.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...data import DataError, OnError, Passage, PrereadError, ReadReport
from ...data.documents.folder import (
    BINARY,
    DocumentFile,
    document_passages,
    find_documents,
    hash_document,
)
from ...data.documents.reading import NotTextError
from ...data.io.policy import ErrorPolicy
from ...data.records import Metadata
from ...reader import Reader
from ...reader.hub import hub_is_allowed
from ..builder.executors.local import Executor, LocalExecutor
from ..builder.extend import Extension, extend
from ..dense.build import load_encoder
from ..documents import StoredDocument, stored_documents
from ..index import PassageIndex
from ..storage.journal import Journal
from ..storage.manifest import Manifest
from ..storage.metadata import write_metadata
from ..storage.snapshots import publish
from ..storage.writing import writing
from .delete import without

_CHARACTERS_PER_TOKEN = 4
"""About; for the progress bar only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """What a synchronisation did."""

    manifest: Manifest
    """Of the index as it is now."""
    n_added: int
    """Documents that were new."""
    n_updated: int
    """Documents whose content had changed."""
    n_removed: int
    """Documents that are no longer in the folder, or have no text any more."""
    n_unchanged: int
    n_kept: int
    """Documents whose file is there and cannot be read now; their passages stay as they are."""
    n_passages_encoded: int
    """Passages of new and changed documents; those of changed ones that read as before are kept."""
    read: ReadReport
    """Documents that were read, and what was skipped and left out of the folder."""
    repeated: list[tuple[str, str]] = field(default_factory=list)
    """Identifiers of passages that were added, each with that of another passage of the same
    text."""

    @property
    def is_change(self) -> bool:
        """Whether there is a new generation."""
        return bool(self.n_added or self.n_updated or self.n_removed)

    def summary(self) -> str:
        """One line for people."""
        line = (
            f"{self.n_added:,} added, {self.n_updated:,} updated, {self.n_removed:,} removed, "
            f"{self.n_unchanged:,} unchanged"
        )
        if self.n_kept == 1:
            return f"{line}, 1 not read, its stored version kept"
        if self.n_kept:
            return f"{line}, {self.n_kept:,} not read, their stored versions kept"
        return line


@dataclass(slots=True)
class _Changes:
    """What has to be done."""

    new: list[Passage] = field(default_factory=list)
    """Passages to be encoded."""
    gone: set[int] = field(default_factory=set)
    """Ordinals of passages to be deleted."""
    metadata: dict[int, Metadata] = field(default_factory=dict)
    """What is known from now on of passages that stay."""
    documents: Counter[str] = field(default_factory=Counter)
    """How many documents are added, updated, removed, unchanged and kept."""


def sync_folder(
    index: str | Path,
    folder: str | Path,
    reader: Reader | None = None,
    *,
    on_error: OnError = OnError.FAIL,
    workers: int | None = None,
    executor: Executor | None = None,
    show_progress: bool = False,
) -> SyncReport:
    """Bring an index in step with a folder of documents.

    Documents that are new are added, those that have changed are replaced, and those that are gone
    are removed. A passage of a changed document that reads as before keeps its ordinal and its
    states. Passages that came from no document stay as they are, and so do those of a document
    whose file is there and cannot be read. A synchronisation that was stopped anywhere leaves the
    index as it was.

    Args:
        index: The index folder.
        folder: Of the documents; all documents of the index are taken to be from it.
        reader: The one that made the index; loaded by its name where there is something to encode.
        on_error: What to do with a document that cannot be read; of a skipped one, the index keeps
            the version that it has.
        workers: Processes that encode; by default one a core.
        executor: Where passages are encoded; by default in processes of this machine.
        show_progress: Draw progress bars on standard error.

    Raises:
        DataError: If the folder holds no documents, or one of them cannot be read.
        IndexFormatError: If there is no index.
        IndexMismatchError: If another reader made the index, or another encoder its vectors.
        PrereadError: If nothing would be left of the index.
    """
    index, folder = Path(index), Path(folder)
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise DataError(
            f"expected a folder of documents, found {found}. Nothing was changed; check the path.",
            path=folder,
        )
    report = ReadReport()
    policy = ErrorPolicy.of(on_error, report)
    with writing(index), PassageIndex(index) as opened:
        changes = _compare(opened, find_documents(folder, report), policy)
        base = opened.manifest
        if changes.new:
            chosen = executor or LocalExecutor(workers)
            manifest = _add(opened, changes, reader, chosen, show_progress)
        elif changes.gone or changes.metadata:
            manifest = _remove(opened, changes)
        else:
            manifest = base
    n = changes.documents
    return SyncReport(
        manifest=manifest,
        n_added=n["added"],
        n_updated=n["updated"],
        n_removed=n["removed"],
        n_unchanged=n["unchanged"],
        n_kept=n["kept"],
        n_passages_encoded=len(changes.new),
        read=report,
        repeated=_repeated(index, changes.new),
    )


def watch_folder(
    folder: str | Path,
    *,
    interval: float = 1.0,
    quiet: float = 2.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Yield each time documents of a folder have changed and then stayed as they are for a while.

    The folder is looked at again and again, which works on network drives too.

    Args:
        folder: Of the documents.
        interval: Seconds between two looks.
        quiet: Seconds without a change before it is told; a program may write a file in parts.
        sleep: Waits for so many seconds.

    Yields:
        At once, and after every change.
    """
    folder = Path(folder)
    yield
    told = seen = _state(folder)
    waited = 0.0
    while True:
        sleep(interval)
        now = _state(folder)
        waited = waited + interval if now == seen else 0.0
        seen = now
        if now != told and waited >= quiet:
            told = now
            yield


def _state(folder: Path) -> list[tuple[str, int, int]]:
    """Names, sizes and times of a folder's documents."""
    found = []
    try:
        files = find_documents(folder, ReadReport())
    except DataError:  # none for now
        return []
    for file in files:
        try:
            status = file.path.stat()
        except OSError:  # removed a moment ago
            continue
        found.append((file.name, status.st_size, status.st_mtime_ns))
    return found


def _compare(opened: PassageIndex, files: list[DocumentFile], policy: ErrorPolicy) -> _Changes:
    """Find out what has to be done, by the hashes of all files."""
    stored = {document.name: document for document in stored_documents(opened)}
    changes = _Changes()
    for file in files:
        known = stored.get(file.name)
        try:
            content = file.read()
            if known is not None and known.hash == hash_document(content):
                changes.documents["unchanged"] += 1
                policy.report.n_read += 1
                del stored[file.name]
                continue
            passages = document_passages(file, content, policy.report)
        except DataError as error:
            if known is None and isinstance(error, NotTextError):
                policy.report.left_out[BINARY] += 1
                continue
            policy.reject(error)
            if known is not None:
                changes.documents["kept"] += 1
                del stored[file.name]
            continue
        if passages:
            policy.report.n_read += 1
            changes.documents["added" if known is None else "updated"] += 1
            _replace(opened, stored.pop(file.name, None), passages, changes)
    for document in stored.values():
        changes.documents["removed"] += 1
        changes.gone.update(document.ordinals)
    return changes


def _replace(
    opened: PassageIndex,
    known: StoredDocument | None,
    passages: list[Passage],
    changes: _Changes,
) -> None:
    """Note the changes of one document."""
    left: dict[str, int] = {}
    for ordinal in known.ordinals if known is not None else ():
        left[opened.passage(ordinal).passage_id] = ordinal
    for passage in passages:
        known_ordinal = left.get(passage.passage_id)
        if known_ordinal is not None:
            old = opened.passage(known_ordinal)
            if (old.title, old.text) == (passage.title, passage.text):
                changes.metadata[known_ordinal] = passage.metadata
                del left[passage.passage_id]
                continue
        elif opened.find(passage.passage_id):
            raise PrereadError(
                f"{opened.path}: the passage {passage.passage_id!r} is in the index already, and "
                "came from no document. Delete it, or rename the file."
            )
        changes.new.append(passage)
    changes.gone.update(left.values())


def _add(
    opened: PassageIndex,
    changes: _Changes,
    reader: Reader | None,
    executor: Executor,
    show_progress: bool,
) -> Manifest:
    """Publish a generation with new passages, and without those that are gone."""
    index, base = opened.path, opened.manifest
    reader = reader or Reader.load(base.plan.reader, allow_hub=hub_is_allowed())
    codec = opened.codec(reader)
    dense = base.dense
    device = str(reader.device)
    encoder = load_encoder(index, dense, device, reader=reader) if dense is not None else None
    journal = Journal(index, {"operation": "sync", "generation": base.generation}, resume=False)
    n_characters = sum(len(passage.title) + len(passage.text) for passage in changes.new)
    extension = Extension(
        index=index,
        base=without(index, base, sorted(changes.gone)) if changes.gone else base,
        plan=base.plan,
        codec=codec,
        codec_file=base.codec_file,
        executor=executor,
        n_shards=-(-len(changes.new) // base.plan.passages_per_shard),
        n_tokens=n_characters // _CHARACTERS_PER_TOKEN,
        encoder=encoder,
        new_metadata=changes.metadata,
    )
    return extend(extension, changes.new, reader, journal, ReadReport(), show_progress)


def _remove(opened: PassageIndex, changes: _Changes) -> Manifest:
    """Publish a generation without passages that are gone, for which no reader is needed."""
    index, base = opened.path, opened.manifest
    if len(changes.gone) == len(opened):
        raise PrereadError(
            f"{index}: nothing would be left of it. Remove the folder to be rid of it."
        )
    if changes.gone:
        manifest = without(index, base, sorted(changes.gone))
    else:
        manifest = replace(base, generation=base.generation + 1)
    files = write_metadata(index, changes.metadata, manifest.generation)
    manifest = replace(manifest, metadata=(*base.metadata, *files))
    publish(index, manifest)
    return manifest


def _repeated(index: Path, passages: list[Passage]) -> list[tuple[str, str]]:
    """Passages whose text another passage has, too; each pair once."""
    found: list[tuple[str, str]] = []
    known: set[tuple[str, str]] = set()
    with PassageIndex(index) as opened:
        for passage in passages:
            for ordinal in opened.find_text(passage.text):
                other = opened.passage(ordinal).passage_id
                if other != passage.passage_id and (other, passage.passage_id) not in known:
                    known.add((passage.passage_id, other))
                    found.append((passage.passage_id, other))
                    break
    return found
