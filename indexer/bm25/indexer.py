"""The BM25 index: Lucene, through Anserini's own indexer and searcher."""

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any

from ...data import Passage
from ..errors import IndexFormatError
from ..storage.files import (
    link_or_copy,
    read_sealed_json,
    sha256_of,
    sync_folder,
    write_sealed_json,
)
from .java import CALLING_JAVA, java_class, java_exception

_DOCUMENTS_PER_CALL = 1000
_CHARACTERS_PER_COMMIT = 1 << 26
"""Lucene's writer is closed and opened again after so many: Anserini's would hold up to 2 GB of
them, whatever Java's heap."""
_ADVICE = (
    "A full disk or a small Java heap are the usual reasons: make room and go on with --resume, or "
    "raise PREREAD_JAVA_HEAP (2g by default)."
)
DOCID_FIELD = "id"
CONTENTS_FIELD = "contents"
_LUCENE_LOCK = "write.lock"


FILE_LIST = "files.json"
"""Sizes and hashes of Lucene's files, in their folder."""


def contents_of(passage: Passage, title_weight: int = 1) -> str:
    """What of a passage is searched: title and text, in one field.

    Args:
        passage: A passage.
        title_weight: How often the title stands there. A word counts as often as it occurs, so that
            0 leaves titles out and 2 doubles the weight of their words (BM25F with whole weights;
            Robertson et al. 2004, https://doi.org/10.1145/1031171.1031181, section 3).
    """
    return "\n".join([passage.title] * title_weight * bool(passage.title) + [passage.text])


def docid_of(ordinal: int) -> str:
    """A passage's identifier in Lucene: hits of equal score come in the order of these strings."""
    return f"{ordinal:010d}"


def build_bm25(
    passages: Iterable[tuple[int, Passage]],
    folder: str | Path,
    *,
    base: str | Path | None = None,
    threads: int = 2,
    title_weight: int = 1,
) -> int:
    """Index passages for search; their ordinals are the documents' identifiers.

    The folder appears when it is complete: an interrupted build leaves ``….tmp`` behind, which the
    next one removes.

    Args:
        passages: What is searched, with ordinals, in order.
        folder: Where the Lucene index goes; must not exist.
        base: A Lucene index that stays as it is, and whose documents are searched too.
        threads: Indexing threads.
        title_weight: As in `contents_of`.

    Returns:
        How many passages were indexed.

    Raises:
        IndexFormatError: If Lucene wrote fewer documents than it was given.
    """
    folder = Path(folder)
    base = None if base is None else Path(base)
    with _new_folder(folder, base) as temporary:
        batches = _batches(passages, title_weight)
        n_before = count_documents(temporary) if base is not None else 0
        n_documents = _write(batches, temporary, base is not None, threads)
        for first in batches:
            n_documents += _write(chain([first], batches), temporary, True, threads)
        # Anserini only logs a commit that fails.
        if (n_found := count_documents(temporary) - n_before) != n_documents:
            raise IndexFormatError(
                f"{temporary}: expected {n_documents} passages, Lucene wrote {n_found}; see its "
                f"message above. {_ADVICE}"
            )
    return n_documents


def _write(batches: Iterable[list[str]], folder: Path, append: bool, threads: int) -> int:
    """Have Lucene write documents, not many more than it should hold at once.

    Returns:
        How many were taken.
    """
    with CALLING_JAVA:
        indexer = java_class("io.anserini.index.SimpleIndexer")(str(folder), append, threads)
    n_documents = n_characters = 0
    try:
        for documents in batches:
            with CALLING_JAVA:
                n_taken = indexer.addRawDocuments(documents)
            if n_taken != len(documents):
                raise IndexFormatError(
                    f"{folder}: Lucene took {n_taken} of {len(documents)} passages, after "
                    f"{n_documents} others; see its message above. {_ADVICE}"
                )
            n_documents += n_taken
            n_characters += sum(map(len, documents))
            if n_characters >= _CHARACTERS_PER_COMMIT:
                break
    except BaseException:
        with CALLING_JAVA, suppress(java_exception()):  # the first error says more
            indexer.close()
        raise
    with CALLING_JAVA:
        indexer.close()
    return n_documents


def delete_from_bm25(ordinals: Sequence[int], folder: Path, *, base: Path) -> None:
    """Make a Lucene index without some documents.

    Their traces are removed too: scores depend on how many documents hold a word, and Lucene counts
    deleted ones until their segment is merged.

    Args:
        ordinals: Of the passages that go.
        folder: Where the new index goes; must not exist.
        base: The index they are in; it stays as it is.
    """
    index = "org.apache.lucene.index"
    with _new_folder(folder, base) as temporary, CALLING_JAVA:
        path = java_class("java.nio.file.Paths").get(str(temporary))
        directory = java_class("org.apache.lucene.store.FSDirectory").open(path)
        policy = java_class(f"{index}.TieredMergePolicy")()
        policy.setForceMergeDeletesPctAllowed(0.0)
        config = java_class(f"{index}.IndexWriterConfig")()
        config.setMergePolicy(policy)
        writer = java_class(f"{index}.IndexWriter")(directory, config)
        term = java_class(f"{index}.Term")
        query = java_class("org.apache.lucene.search.TermQuery")
        try:
            # By query: between its two signatures, jnius takes the one of terms for the other.
            for first in range(0, len(ordinals), _DOCUMENTS_PER_CALL):
                some = ordinals[first : first + _DOCUMENTS_PER_CALL]
                writer.deleteDocuments(*(query(term(DOCID_FIELD, docid_of(o))) for o in some))
            writer.forceMergeDeletes()
            writer.commit()
        finally:
            writer.close()
            directory.close()


@contextmanager
def _new_folder(folder: Path, base: Path | None) -> Iterator[Path]:
    """A temporary folder that becomes ``folder`` when the block ends well, with a file list.

    Lucene never writes to a file again, so that the base's are linked, not copied.
    """
    folder = folder.resolve()  # Java keeps the working folder it was started in
    temporary = folder.with_name(folder.name + ".tmp")
    for old in (temporary, folder):  # left behind by a crash: no manifest names them yet
        shutil.rmtree(old, ignore_errors=True)
    temporary.mkdir()
    if base is not None:
        for file in base.iterdir():
            if file.name not in (FILE_LIST, _LUCENE_LOCK):
                link_or_copy(file, temporary / file.name)
    try:
        yield temporary
    except java_exception() as error:
        reason = str(error).splitlines()[0]
        raise IndexFormatError(f"{temporary}: Lucene failed: {reason}. {_ADVICE}") from error
    (temporary / _LUCENE_LOCK).unlink(missing_ok=True)
    files = {
        file.name: {"bytes": file.stat().st_size, "sha256": sha256_of(file)}
        for file in sorted(temporary.iterdir())
    }
    write_sealed_json(temporary / FILE_LIST, {"files": files})
    sync_folder(temporary)
    temporary.replace(folder)
    sync_folder(folder)


def _batches(passages: Iterable[tuple[int, Passage]], title_weight: int) -> Iterator[list[str]]:
    """Passages as Anserini's JSON documents, some at a time."""
    batch: list[str] = []
    for ordinal, passage in passages:
        contents = contents_of(passage, title_weight)
        if all(character <= " " for character in contents):
            continue  # blank by Java's rule: Anserini would leave it out without a word
        # ASCII only: Java would misread characters outside the Basic Multilingual Plane.
        batch.append(json.dumps({"id": docid_of(ordinal), "contents": contents}))
        if len(batch) == _DOCUMENTS_PER_CALL:
            yield batch
            batch = []
    if batch:
        yield batch


@contextmanager
def reading_lucene(folder: Path) -> Iterator[Any]:
    """A Lucene index, open: its ``IndexReader``."""
    with CALLING_JAVA:
        path = java_class("java.nio.file.Paths").get(str(folder.resolve()))
        directory = java_class("org.apache.lucene.store.FSDirectory").open(path)
        try:
            reader = java_class("org.apache.lucene.index.DirectoryReader").open(directory)
            try:
                yield reader
            finally:
                reader.close()
        finally:
            directory.close()


def count_documents(folder: Path) -> int:
    """How many documents a Lucene index holds, without deleted ones."""
    with reading_lucene(folder) as reader:
        return int(reader.numDocs())


def lucene_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Size (``bytes``) and ``sha256`` of each of Lucene's files, by name.

    Raises:
        IndexFormatError: If the list is missing or damaged.
    """
    files: dict[str, dict[str, Any]] = read_sealed_json(folder / FILE_LIST)["files"]
    return files
