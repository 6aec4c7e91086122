"""Writing the BM25 index with Lucene, through Anserini's indexer."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any

from pydantic import TypeAdapter

from ...data import Passage, PrereadError
from ...data.io.atomic import temporary_path
from ...data.io.system_errors import first_line, reason_of
from ...data.io.validation import validate
from ...data.text.normalization import TextNormalization
from ..errors import IndexAccessError, IndexFormatError, cannot_be_read
from ..storage.cleaning import is_lucene_leftover
from ..storage.files import (
    FileEntry,
    check_folder,
    link_or_copy,
    remove_folder,
    sha256_of,
    sync_folder,
)
from ..storage.json_files import read_sealed_json, write_sealed_json
from ..storage.manifest import FILE_LIST, LUCENE_FILE_NAME, LUCENE_LOCK, named
from .java import CALLING_JAVA, java_class, java_exception, refusal_of

_DOCUMENTS_PER_CALL = 1000
_CHARACTERS_PER_COMMIT = 1 << 26
"""Lucene's writer is closed and opened again after so many characters: Anserini's writer would
buffer up to 2 GB, whatever the size of Java's heap."""
_ADVICE = (
    "A full disk or a small Java heap are the usual reasons: make room, or raise PREREAD_JAVA_HEAP "
    "(2g by default), and repeat the command; a build goes on with --resume."
)
_ADVICE_ON_DAMAGE = (
    "Run `preread verify`; restore a damaged file from a backup, or build the index again."
)
DOCID_FIELD = "id"
_DOCID = re.compile("[0-9]{10}")
CONTENTS_FIELD = "contents"
_FILES = TypeAdapter(list[Annotated[FileEntry, named(LUCENE_FILE_NAME)]])


def contents_of(passage: Passage, title_weight: int = 1) -> str:
    """Join title and text of a passage in the one field that is searched.

    Args:
        passage: A passage.
        title_weight: How often the title is repeated. BM25 counts a word as often as it occurs: 0
            leaves titles out, 2 doubles the weight of their words. This is BM25F with whole
            weights; Robertson et al. 2004 (https://doi.org/10.1145/1031171.1031181), section 3.
    """
    return "\n".join([passage.title] * title_weight * bool(passage.title) + [passage.text])


def docid_of(ordinal: int) -> str:
    """Write an ordinal as Lucene's document identifier.

    Args:
        ordinal: Number of a passage.

    Returns:
        Ten digits. Lucene orders hits of equal score by these strings, which so is the order of the
        passages.
    """
    return f"{ordinal:010d}"


def ordinal_of(docid: str) -> int:
    """Read what `docid_of` wrote.

    Args:
        docid: Lucene's document identifier.

    Raises:
        IndexFormatError: If it is none that we write.
    """
    if not _DOCID.fullmatch(docid) or int(docid) >= 1 << 32:
        raise IndexFormatError(
            f"the BM25 index: expected ten digits in the place of a passage's number, found "
            f"{docid!r:.60}. It is damaged, or another program's. {_ADVICE_ON_DAMAGE}"
        )
    return int(docid)


def build_bm25(
    passages: Iterable[tuple[int, Passage]],
    folder: str | Path,
    *,
    base: str | Path | None = None,
    threads: int = 2,
    title_weight: int = 1,
    normalization: TextNormalization = TextNormalization.NFKC,
) -> int:
    """Index passages for BM25 search, and count them.

    The folder appears when it is complete. An interrupted build leaves a folder ``….tmp`` behind,
    which the next build removes.

    Args:
        passages: Ordinals and passages, by ascending ordinals.
        folder: Folder of the new Lucene index.
        base: Folder of a Lucene index whose documents become part of the new one; it is not
            changed.
        threads: Number of indexing threads.
        title_weight: How often the title of a passage is repeated before its text.
        normalization: Normalization of titles and texts; that of ``base`` if there is one.

    Raises:
        IndexFormatError: If Lucene fails, or wrote fewer documents than it was given.
    """
    folder = Path(folder)
    base = None if base is None else Path(base)
    with _new_folder(folder, base) as temporary:
        batches = _batches(passages, title_weight, normalization)
        n_before = _count_documents(temporary) if base is not None else 0
        n_documents = _write(batches, temporary, base is not None, threads)
        for first in batches:
            n_documents += _write(chain([first], batches), temporary, True, threads)
        # Anserini only logs a commit that fails.
        if (n_found := _count_documents(temporary) - n_before) != n_documents:
            raise IndexFormatError(
                f"{temporary}: expected {n_documents} passages, Lucene wrote {n_found}; see its "
                f"message above. {_ADVICE}"
            )
    return n_documents


def _write(batches: Iterable[list[str]], folder: Path, append: bool, threads: int) -> int:
    """Have Lucene write as many documents as it should buffer, and return their number."""
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
    """Copy a Lucene index without some of its documents.

    The segments that held the documents are rewritten. Scores depend on the number of documents
    that hold a word, and Lucene counts deleted documents until their segment is merged.

    Args:
        ordinals: Numbers of the passages to delete.
        folder: Folder of the new Lucene index.
        base: Folder of the Lucene index that holds them; it is not changed.

    Raises:
        IndexFormatError: If Lucene fails.
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
    """A temporary folder that becomes ``folder``, with a file list, when the block ends well.

    Files of ``base`` are linked, not copied: Lucene never changes a file that it has written.
    """
    raised = java_exception()
    folder = folder.absolute()  # Java keeps the working folder it was started in
    remove_folder(folder, is_lucene_leftover)  # left behind by a crash: no manifest names it yet
    temporary = temporary_path(folder)
    temporary.mkdir()
    if base is not None:
        for file in lucene_files(base):
            link_or_copy(base / file.file, temporary / file.file)
    try:
        yield temporary
    except raised as error:
        refusal = refusal_of(error)
        if refusal is not None:
            raise IndexAccessError(
                f"{temporary}: cannot be written: {reason_of(refusal)}"
            ) from error
        raise IndexFormatError(
            f"{temporary}: Lucene failed: {first_line(error)}. {_ADVICE}"
        ) from error
    (temporary / LUCENE_LOCK).unlink(missing_ok=True)
    written = {
        path.name: {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in sorted(temporary.iterdir())
    }
    write_sealed_json(temporary / FILE_LIST, {"files": written})
    sync_folder(temporary)
    temporary.replace(folder)
    sync_folder(folder)


def _batches(
    passages: Iterable[tuple[int, Passage]], title_weight: int, normalization: TextNormalization
) -> Iterator[list[str]]:
    """Passages as JSON documents for Anserini, in batches."""
    contents = ((o, normalization.apply(contents_of(p, title_weight))) for o, p in passages)
    # ASCII only: Java would misread characters outside the Basic Multilingual Plane.
    documents = (
        json.dumps({"id": docid_of(ordinal), "contents": text})
        for ordinal, text in contents
        # A text that is blank by Java's rule Anserini would leave out silently.
        if any(character > " " for character in text)
    )
    while batch := list(islice(documents, _DOCUMENTS_PER_CALL)):
        yield batch


@contextmanager
def reading_lucene(folder: Path, advice: str = _ADVICE_ON_DAMAGE) -> Iterator[Any]:
    """Open a Lucene index for reading.

    Args:
        folder: Folder of the Lucene index.
        advice: What to do if Lucene fails, for the error.

    Yields:
        Lucene's ``IndexReader``.

    Raises:
        IndexFormatError: If Lucene cannot open or read the index.
        IndexAccessError: If the operating system does not let Lucene read a file.
    """
    raised = java_exception()
    try:
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
    except raised as error:
        refusal = refusal_of(error)
        if refusal is not None:
            raise cannot_be_read(folder, refusal) from error
        raise IndexFormatError(
            f"{folder}: Lucene cannot read its index: {first_line(error)}. {advice}"
        ) from error


def _count_documents(folder: Path) -> int:
    """Number of documents of a Lucene index that was just written, without deleted ones."""
    with reading_lucene(folder, _ADVICE) as reader:
        return int(reader.numDocs())


def lucene_files(folder: Path) -> list[FileEntry]:
    """Read the list of Lucene's files: name, size and SHA-256 of each.

    Args:
        folder: Folder of the Lucene index.

    Raises:
        IndexFormatError: If the list is missing or damaged, or names a file that Lucene does not
            write.
        IndexAccessError: If the list cannot be read.
    """
    check_folder(folder)
    path = folder / FILE_LIST
    return parse_file_list(read_sealed_json(path), path)


def parse_file_list(content: dict[str, Any], path: Path | str) -> list[FileEntry]:
    """Check the content of a list of Lucene's files, and return them.

    Args:
        content: Content of the list, without its seal.
        path: File or address of the list, for messages.

    Raises:
        IndexFormatError: If the list names a file that Lucene does not write, or has other fields
            of a file than size and SHA-256.
    """
    listed = content.get("files")
    if isinstance(listed, dict):
        listed = [
            {**fields, "file": name} if isinstance(fields, dict) else fields
            for name, fields in listed.items()
        ]
    remedy = "Restore the file from a backup, or build the index again."
    try:
        return validate(_FILES, listed, str(path), remedy)
    except PrereadError as error:
        raise IndexFormatError(str(error)) from error
