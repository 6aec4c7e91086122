"""Statistics of a whole corpus, kept with an index that holds a part of it.

BM25 weighs a word by how many documents of the corpus hold it, and a document's length by the
average. A part knows only its own documents; with these numbers it scores as the whole would
(``searcher.py``).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from tqdm import tqdm

from ..errors import IndexFormatError, check_readable
from ..storage.hdf5 import create_hdf5, map_dataset
from ..storage.lookup import key_of
from .indexer import CONTENTS_FIELD, reading_lucene
from .java import java_class

_BYTES_A_TERM = 12


@dataclass(frozen=True, slots=True)
class FieldStatistics:
    """Of all documents together."""

    n_documents: int
    """Documents with a word at least."""
    n_words: int
    """Words of all of them, each as often as it occurs."""

    @classmethod
    def of(cls, reader: Any) -> "FieldStatistics":
        """Of what a Lucene ``IndexReader`` reads."""
        n_words = reader.getSumTotalTermFreq(CONTENTS_FIELD)
        return cls(int(reader.getDocCount(CONTENTS_FIELD)), int(n_words))

    @property
    def average_length(self) -> float:
        """Words of a document; 0 where there is none."""
        return self.n_words / self.n_documents if self.n_documents else 0.0


def inverse_document_frequency(n_documents: int, document_frequency: int) -> float:
    """How much a word weighs that so many of the documents hold.

    Source: Lucene's ``BM25Similarity.idf``, after Robertson and Zaragoza 2009
    (https://doi.org/10.1561/1500000019), section 3.1, with 1 added so that none is negative.
    """
    return math.log1p((n_documents - document_frequency + 0.5) / (document_frequency + 0.5))


def write_statistics(path: Path, lucene: Path, *, show_progress: bool = False) -> tuple[int, Any]:
    """Write how many documents of a Lucene index hold each of its words.

    Args:
        path: The file.
        lucene: Folder of the Lucene index.
        show_progress: Draw a progress bar on standard error.

    Returns:
        The number of words, and the `FieldStatistics`.
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
    """The statistics of a whole corpus, its words' mapped into memory."""

    def __init__(self, path: Path, field: FieldStatistics) -> None:
        """Map the file.

        Args:
            path: What `write_statistics` wrote.
            field: What it returned.

        Raises:
            IndexFormatError: If it is none.
        """
        self.field = field
        check_readable(path)
        try:
            with h5py.File(path, "r", locking=False) as file:
                self._keys = map_dataset(path, file["term_keys"])
                self._frequencies = map_dataset(path, file["document_frequency"])
        except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
            raise IndexFormatError(
                f"{path}: not a file of word statistics ({error}). It is damaged: restore it from "
                "a backup, or split the whole index again."
            ) from error

    def document_frequency(self, word: str) -> int:
        """How many documents hold a word, as the analyzer leaves it; 0 where none does."""
        key = np.uint64(key_of(word))
        place = int(np.searchsorted(self._keys, key))
        is_there = place < len(self._keys) and self._keys[place] == key
        return int(self._frequencies[place]) if is_there else 0


def _words(reader: Any) -> Iterator[tuple[str, int]]:
    """Words of all documents, and how many hold each."""
    from jnius import cast

    # Cast: between the signatures of `getTerms`, jnius takes that of one segment.
    whole = cast("org.apache.lucene.index.IndexReader", reader)
    terms = java_class("org.apache.lucene.index.MultiTerms").getTerms(whole, CONTENTS_FIELD)
    if terms is None:  # no document has a word
        return
    found = terms.iterator()
    while (word := found.next()) is not None:
        yield word.utf8ToString(), int(found.docFreq())
