"""Word statistics of a whole corpus, stored with each partition of its index.

BM25 weighs a word by the number of documents that hold it, and compares a document's length with
the average length. A partition knows only its own documents. With the numbers of the whole corpus
it computes the scores of the whole index (``partition_searcher.py``).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..errors import IndexFormatError
from ..storage.dataset_offsets import Column
from ..storage.files import check_readable, raise_if_refused
from ..storage.hdf5 import create_hdf5, map_columns
from ..storage.lookup import key_of
from .indexer import CONTENTS_FIELD, reading_lucene
from .java import java_class

_BYTES_A_TERM = 12
_COLUMNS = {
    "term_keys": Column(("<u8",), "words"),
    "document_frequency": Column(("<u4",), "words"),
}


@dataclass(frozen=True, slots=True)
class FieldStatistics:
    """Statistics of the searched field over all documents."""

    n_documents: int
    """Number of documents that hold a word."""
    n_words: int
    """Number of words in all documents, repeated words included."""

    @classmethod
    def of(cls, reader: Any) -> "FieldStatistics":
        """Read the statistics of a Lucene index.

        Args:
            reader: Lucene's ``IndexReader``.
        """
        n_words = reader.getSumTotalTermFreq(CONTENTS_FIELD)
        return cls(int(reader.getDocCount(CONTENTS_FIELD)), int(n_words))

    @property
    def average_length(self) -> float:
        """Mean number of words in a document; 0 if there is no document."""
        return self.n_words / self.n_documents if self.n_documents else 0.0


def inverse_document_frequency(n_documents: int, document_frequency: int) -> float:
    """Weight of a word in BM25.

    Args:
        n_documents: Number of documents in the corpus.
        document_frequency: Number of documents that hold the word.

    Source: Lucene's ``BM25Similarity.idf``, after Robertson and Zaragoza 2009
    (https://doi.org/10.1561/1500000019), section 3.1, with 1 added so that none is negative.
    """
    return math.log1p((n_documents - document_frequency + 0.5) / (document_frequency + 0.5))


def write_statistics(path: Path, lucene: Path, *, show_progress: bool = False) -> tuple[int, Any]:
    """Write the number of documents that hold each word of a Lucene index.

    Args:
        path: The HDF5 file to write.
        lucene: Folder of the Lucene index.
        show_progress: Draw a progress bar on standard error.

    Returns:
        The number of distinct words, and the `FieldStatistics` of the index.

    Raises:
        IndexFormatError: If Lucene cannot read the index.
    """
    keys, frequencies = [], []
    with reading_lucene(lucene) as reader:
        found = FieldStatistics.of(reader)
        bar = tqdm(desc="counting words", unit=" words", disable=not show_progress, delay=1)
        with bar:
            for word, frequency in _words(reader):
                keys.append(key_of(word))
                frequencies.append(frequency)
                bar.update()
    all_keys = np.array(keys, "<u8")
    order = np.argsort(all_keys, kind="stable")
    with create_hdf5(path, _BYTES_A_TERM * len(keys)) as file:
        file.create_dataset("term_keys", data=all_keys[order])
        file.create_dataset("document_frequency", data=np.array(frequencies, "<u4")[order])
    return len(keys), found


class CorpusStatistics:
    """Statistics of a whole corpus; the table of words is mapped into memory."""

    def __init__(self, path: Path, field: FieldStatistics) -> None:
        """Map a statistics file.

        Args:
            path: A file that `write_statistics` wrote.
            field: The `FieldStatistics` that it returned.

        Raises:
            IndexFormatError: If the file is damaged.
            IndexAccessError: If the file cannot be read.
        """
        self.field = field
        check_readable(path)
        try:
            column = map_columns(path, _COLUMNS)
        except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
            raise_if_refused(path, error)
            raise IndexFormatError(
                f"{path}: not a file of word statistics ({error}). It is damaged: restore it from "
                "a backup, or split the whole index again."
            ) from error
        self._keys, self._frequencies = column["term_keys"], column["document_frequency"]

    def document_frequency(self, word: str) -> int:
        """Number of documents that hold a word.

        Args:
            word: A word as Lucene's analyzer returns it.
        """
        key = np.uint64(key_of(word))
        place = int(np.searchsorted(self._keys, key))
        is_there = place < len(self._keys) and self._keys[place] == key
        # The formula has no logarithm for more documents than there are.
        return min(int(self._frequencies[place]), self.field.n_documents) if is_there else 0


def _words(reader: Any) -> Iterator[tuple[str, int]]:
    """Each word of a Lucene index with the number of documents that hold it."""
    from jnius import cast

    # Cast: between the signatures of `getTerms`, jnius takes that of one segment.
    whole = cast("org.apache.lucene.index.IndexReader", reader)
    terms = java_class("org.apache.lucene.index.MultiTerms").getTerms(whole, CONTENTS_FIELD)
    if terms is None:  # no document has a word
        return
    found = terms.iterator()
    while (word := found.next()) is not None:
        yield word.utf8ToString(), int(found.docFreq())
