"""The BM25 index: Lucene, through Anserini's own indexer and searcher."""

import json
import logging
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data import Passage
from .errors import IndexFormatError
from .java import java_class

_LOG = logging.getLogger(__name__)
_DOCUMENTS_PER_CALL = 1000

K1 = 0.9
B = 0.4
"""Anserini's parameters for passages of Wikipedia; published figures use them."""

MAX_QUERY_WORDS = 500
"""Lucene refuses queries of more than 1,024 clauses, and one word can give two of them."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found."""

    ordinal: int
    """Number of the passage in the index, in the order of the corpus."""
    score: float
    """BM25 score; higher is better."""


def contents_of(passage: Passage) -> str:
    """What of a passage is searched: title and text, in one field."""
    return f"{passage.title}\n{passage.text}" if passage.title else passage.text


def build_bm25(passages: Iterable[Passage], folder: Path, *, threads: int = 2) -> int:
    """Index passages for search; their ordinals are the documents' identifiers.

    The folder appears when it is complete: an interrupted build leaves ``….tmp`` behind, which the
    next one removes.

    Args:
        passages: What is searched, in order.
        folder: Where the Lucene index goes; must not exist.
        threads: Indexing threads.

    Returns:
        How many passages were indexed.

    Raises:
        IndexFormatError: If Lucene took fewer documents than it was given.
    """
    folder = folder.resolve()  # Java keeps the working folder it was started in
    temporary = folder.with_name(folder.name + ".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    indexer = java_class("io.anserini.index.SimpleIndexer")(str(temporary), False, threads)
    n_documents = 0
    try:
        for documents in _batches(passages):
            n_taken = indexer.addRawDocuments(documents)
            if n_taken != len(documents):
                raise IndexFormatError(
                    f"{temporary}: Lucene took {n_taken} of {len(documents)} passages, from number "
                    f"{n_documents} on; see its message above."
                )
            n_documents += n_taken
    finally:
        indexer.close()
    temporary.replace(folder)
    return n_documents


def _batches(passages: Iterable[Passage]) -> Iterator[list[str]]:
    """Passages as Anserini's JSON documents, some at a time."""
    batch: list[str] = []
    for ordinal, passage in enumerate(passages):
        contents = contents_of(passage)
        if all(character <= " " for character in contents):
            continue  # blank by Java's rule: Anserini would leave it out without a word
        # ASCII only: Java would misread characters outside the Basic Multilingual Plane.
        batch.append(json.dumps({"id": str(ordinal), "contents": contents}))
        if len(batch) == _DOCUMENTS_PER_CALL:
            yield batch
            batch = []
    if batch:
        yield batch


class Bm25Searcher:
    """Searches a BM25 index."""

    def __init__(self, folder: Path, *, k1: float = K1, b: float = B) -> None:
        """Open the index.

        Args:
            folder: The Lucene index.
            k1: Saturation of a term's frequency.
            b: How far long passages are held back.

        Raises:
            IndexFormatError: If there is no Lucene index.
        """
        self._folder = folder.resolve()  # Java keeps the working folder it was started in
        searcher = java_class("io.anserini.search.SimpleSearcher")
        try:
            self._searcher: Any = searcher(str(self._folder))
        except Exception as error:
            raise IndexFormatError(
                f"{folder}: not a Lucene index ({_first_line(error)}). It is missing or damaged; "
                "run `preread verify`."
            ) from error
        self._searcher.set_bm25(k1, b)

    @property
    def n_documents(self) -> int:
        """Passages in the index."""
        return int(self._searcher.get_total_num_docs())

    def search(self, query: str, k: int) -> list[Hit]:
        """Find passages.

        Args:
            query: Plain words; no query language.
            k: How many passages at most.

        Returns:
            Hits, best first; none where no word of the query occurs.
        """
        words = query.split()
        if len(words) > MAX_QUERY_WORDS:
            _LOG.warning("query cut to its first %d of %d words", MAX_QUERY_WORDS, len(words))
            query = " ".join(words[:MAX_QUERY_WORDS])
        hits = self._searcher.search(query, k)
        return [Hit(int(hit.docid), float(hit.score)) for hit in hits]

    def check(self) -> str | None:
        """Let Lucene check the checksums of all its files.

        Returns:
            What is wrong, or None.
        """
        path = java_class("java.nio.file.Paths").get(str(self._folder))
        directory = java_class("org.apache.lucene.store.FSDirectory").open(path)
        try:
            reader = java_class("org.apache.lucene.index.DirectoryReader").open(directory)
            leaves = reader.leaves()
            for number in range(leaves.size()):
                leaves.get(number).reader().checkIntegrity()
            reader.close()
        except Exception as error:
            return _first_line(error)
        return None

    def close(self) -> None:
        """Release the files."""
        self._searcher.close()


def _first_line(error: Exception) -> str:
    """A Java exception without its stack."""
    return str(error).split("\n", 1)[0]
