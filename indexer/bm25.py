"""The BM25 index: Lucene, through Anserini's own indexer and searcher."""

import json
import logging
import math
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data import Passage, PrereadError
from .errors import IndexFormatError
from .files import read_sealed_json, sha256_of, sync_folder, write_sealed_json
from .java import java_class

_LOG = logging.getLogger(__name__)
_DOCUMENTS_PER_CALL = 1000
_DOCID_FIELD = "id"
_CONTENTS_FIELD = "contents"
_LUCENE_LOCK = "write.lock"

LUCENE_PREFIX = "lucene-"
"""Each generation that changes the BM25 index has it in a folder of its own."""
FILE_LIST = "files.json"
"""Sizes and hashes of Lucene's files, in their folder."""

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
    """What hits are ordered by; higher is better. What it means is up to who found it."""
    bm25: float | None = None
    """BM25 score, where who found it knows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bm25Parameters:
    """How BM25 weighs, chosen when an index is searched."""

    k1: float = K1
    """Saturation of a term's frequency."""
    b: float = B
    """How far long passages are held back: 0 not at all, 1 in full."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            PrereadError: If Lucene would refuse one.
        """
        if not (math.isfinite(self.k1) and self.k1 >= 0):
            raise PrereadError(f"k1 must be a number of at least 0, found {self.k1}.")
        if not 0 <= self.b <= 1:
            raise PrereadError(f"b must be between 0 and 1, found {self.b}.")


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
        indexer = make(str(temporary), base is not None, threads)
        n_documents = 0
        try:
            for documents in _batches(passages, title_weight):
                n_taken = indexer.addRawDocuments(documents)
                if n_taken != len(documents):
                    raise IndexFormatError(
                        f"{temporary}: Lucene took {n_taken} of {len(documents)} passages, from "
                        f"number {n_documents} on; see its message above."
                    )
                n_documents += n_taken
        finally:
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
    with _new_folder(folder, base) as temporary:
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
                writer.deleteDocuments(*(query(term(_DOCID_FIELD, docid_of(o))) for o in some))
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
                _link(file, temporary / file.name)
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


def _link(source: Path, target: Path) -> None:
    """Another name for a file; a copy where the file system has one name a file."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


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


class Bm25Searcher:
    """Searches a BM25 index."""

    def __init__(self, folder: Path, parameters: Bm25Parameters | None = None) -> None:
        """Open the index.

        Args:
            folder: The Lucene index.
            parameters: How BM25 weighs; by default as Anserini does.

        Raises:
            IndexFormatError: If there is no Lucene index.
        """
        self._folder = folder.resolve()  # Java keeps the working folder it was started in
        searcher = java_class("io.anserini.search.SimpleSearcher")
        for name, file in lucene_files(folder).items():
            path = folder / name
            if not path.is_file() or path.stat().st_size != file["bytes"]:
                raise IndexFormatError(
                    f"{path}: expected a file of {file['bytes']} bytes. It is missing or damaged: "
                    "restore it from a backup, or build the index again."
                )
        try:
            self._searcher: Any = searcher(str(self._folder))
        except Exception as error:
            raise IndexFormatError(
                f"{folder}: not a Lucene index ({_first_line(error)}). It is missing or damaged; "
                "run `preread verify`."
            ) from error
        self.parameters = parameters or Bm25Parameters()
        self._searcher.set_bm25(self.parameters.k1, self.parameters.b)

    @property
    def n_documents(self) -> int:
        """Passages in the index."""
        return int(self._searcher.get_total_num_docs())

    @property
    def description(self) -> str:
        """How it weighs."""
        return f"BM25 (k1 = {self.parameters.k1:g}, b = {self.parameters.b:g})"

    def search(self, query: str, k: int) -> list[Hit]:
        """Find passages.

        Args:
            query: Plain words; no query language.
            k: How many passages at most.

        Returns:
            Hits, best first; none where no word of the query occurs.
        """
        return _hits(self._searcher.search(_cut(query), k))

    def search_many(self, queries: Sequence[str], k: int, *, threads: int) -> list[list[Hit]]:
        """Find passages for several queries at once.

        Args:
            queries: As in `search`.
            k: As in `search`, for each query.
            threads: How many queries are searched at a time.

        Returns:
            For each query what `search` finds.
        """
        make_list = java_class("java.util.ArrayList")
        texts, names = make_list(), make_list()
        for number, query in enumerate(queries):
            texts.add(_cut(query))
            names.add(str(number))
        found = self._searcher.batch_search(texts, names, k, threads)
        return [_hits(found.get(str(number))) for number in range(len(queries))]

    def score(self, query: str, ordinals: Sequence[int]) -> list[float]:
        """BM25 scores of given passages, whoever found them.

        Args:
            query: As in `search`.
            ordinals: Any number of passages.

        Returns:
            For each what `search` would give it; 0 where no word of the query occurs in it.
        """
        if not ordinals:
            return []
        generator = java_class("io.anserini.search.query.BagOfWordsQueryGenerator")()
        analyzer = self._searcher.get_analyzer()
        words = generator.buildQuery(_CONTENTS_FIELD, analyzer, _cut(query))
        occur = java_class("org.apache.lucene.search.BooleanClause$Occur")
        builder = java_class("org.apache.lucene.search.BooleanQuery$Builder")()
        builder.add(words, occur.MUST)
        builder.add(_any_of(ordinals), occur.FILTER)  # restricts, and adds nothing to a score
        found = {
            hit.ordinal: hit.score
            for hit in _hits(self._searcher.search(builder.build(), len(set(ordinals))))
        }
        return [found.get(ordinal, 0.0) for ordinal in ordinals]

    def close(self) -> None:
        """Release the files."""
        self._searcher.close()


def _cut(query: str) -> str:
    """A query of no more words than Lucene takes."""
    words = query.split()
    if len(words) <= MAX_QUERY_WORDS:
        return query
    _LOG.warning("query cut to its first %d of %d words", MAX_QUERY_WORDS, len(words))
    return " ".join(words[:MAX_QUERY_WORDS])


def _any_of(ordinals: Sequence[int]) -> Any:
    """Lucene's query for documents by their identifiers."""
    term = java_class("org.apache.lucene.util.BytesRef")
    terms = java_class("java.util.ArrayList")()
    for ordinal in ordinals:
        terms.add(term(docid_of(ordinal).encode()))
    return java_class("org.apache.lucene.search.TermInSetQuery")(_DOCID_FIELD, terms)


def _hits(found: Iterable[Any]) -> list[Hit]:
    """Java's hits as ours."""
    return [Hit(int(hit.docid), score := float(hit.score), score) for hit in found]


def lucene_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Size (``bytes``) and ``sha256`` of each of Lucene's files, by name.

    Raises:
        IndexFormatError: If the list is missing or damaged.
    """
    files: dict[str, dict[str, Any]] = read_sealed_json(folder / FILE_LIST)["files"]
    return files


def _first_line(error: Exception) -> str:
    """A Java exception without its stack."""
    return str(error).split("\n", 1)[0]
