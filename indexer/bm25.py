"""The BM25 index: Lucene, through Anserini's own indexer and searcher."""

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..data import Passage
from .errors import IndexFormatError
from .files import link_or_copy, read_sealed_json, sha256_of, sync_folder, write_sealed_json
from .java import CALLING_JAVA, java_class

_DOCUMENTS_PER_CALL = 1000
DOCID_FIELD = "id"
CONTENTS_FIELD = "contents"
_LUCENE_LOCK = "write.lock"

LUCENE_PREFIX = "lucene-"
"""Each generation that changes the BM25 index has it in a folder of its own."""
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
    folder: Path,
    *,
    base: Path | None = None,
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
        IndexFormatError: If Lucene took fewer documents than it was given.
    """
    with _new_folder(folder, base) as temporary:
        make = java_class("io.anserini.index.SimpleIndexer")
        with CALLING_JAVA:
            indexer = make(str(temporary), base is not None, threads)
        n_documents = 0
        try:
            for documents in _batches(passages, title_weight):
                with CALLING_JAVA:
                    n_taken = indexer.addRawDocuments(documents)
                if n_taken != len(documents):
                    raise IndexFormatError(
                        f"{temporary}: Lucene took {n_taken} of {len(documents)} passages, from "
                        f"number {n_documents} on; see its message above."
                    )
                n_documents += n_taken
        finally:
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
    yield temporary
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


def lucene_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Size (``bytes``) and ``sha256`` of each of Lucene's files, by name.

    Raises:
        IndexFormatError: If the list is missing or damaged.
    """
    files: dict[str, dict[str, Any]] = read_sealed_json(folder / FILE_LIST)["files"]
    return files
