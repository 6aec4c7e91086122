"""Files of vectors, in faiss's own form; a vector's identifier is the passage's ordinal."""

import math
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from ...data import PrereadError
from ..errors import IndexFormatError

Array = npt.NDArray[Any]
MOST_SEARCHED_FLAT = 500_000
"""With more passages than these, comparing a question with every one takes too long."""
_VECTORS_PER_CELL = 64
"""From which a cell's centre is learned; faiss warns below 39."""
_LEAST_LEARNED_FROM = 256
"""A byte of a product quantiser has so many values."""
_N_PROBE = 64
"""Cells that a search looks into."""
_BYTES_OF_NUMBERS = 4
"""Numbers of a vector that one byte of a product quantiser stands for."""


class VectorKind(StrEnum):
    """How vectors are kept and searched."""

    FLAT = "flat"
    """In float16, each compared with the question: exact."""
    IVF = "ivf"
    """In float16, in cells, of which those nearest to the question are searched."""
    IVFPQ = "ivfpq"
    """In cells, product-quantised to an eighth of float16's bytes."""

    @classmethod
    def for_size(cls, n_vectors: int) -> "VectorKind":
        """What suits so many vectors."""
        return cls.FLAT if n_vectors <= MOST_SEARCHED_FLAT else cls.IVF


def n_training_vectors(kind: VectorKind, n_vectors: int) -> int:
    """How many vectors `empty_index` learns from, out of so many."""
    if kind is VectorKind.FLAT:
        return 0
    return min(n_vectors, _VECTORS_PER_CELL * _n_cells(n_vectors))


def _n_cells(n_vectors: int) -> int:
    """About four times the root of the number, as faiss's wiki advises for up to a million."""
    return max(1, min(round(4 * math.sqrt(n_vectors)), n_vectors // _VECTORS_PER_CELL))


def empty_index(kind: VectorKind, width: int, n_vectors: int, sample: Array) -> Any:
    """An index that has learned what it must, and holds nothing.

    Args:
        kind: How vectors are kept.
        width: Numbers in a vector.
        n_vectors: How many it will hold.
        sample: Vectors to learn from. Shape ``(n_training_vectors, width)``, float32.

    Raises:
        PrereadError: If there are too few vectors to learn from.
    """
    metric = faiss.METRIC_INNER_PRODUCT
    if kind is VectorKind.FLAT:
        return faiss.IndexIDMap(faiss.index_factory(width, "SQfp16", metric))
    if n_vectors < _LEAST_LEARNED_FROM:
        raise PrereadError(
            f"{kind}: expected at least {_LEAST_LEARNED_FROM} passages to learn from, found "
            f"{n_vectors}. Use {VectorKind.FLAT}."
        )
    n_cells = _n_cells(n_vectors)
    n_bytes = max(1, width // _BYTES_OF_NUMBERS)
    inner = "SQfp16" if kind is VectorKind.IVF else f"PQ{n_bytes}x8"
    index: Any = faiss.index_factory(width, f"IVF{n_cells},{inner}", metric)
    index.train(np.ascontiguousarray(sample, np.float32))
    index.nprobe = min(_N_PROBE, n_cells)
    return index


def add_vectors(index: Any, runs: Iterable[tuple[Array, Array]]) -> int:
    """Put vectors into an index.

    Args:
        index: What `empty_index` gives.
        runs: Ordinals, and vectors of shape ``(n, width)``.

    Returns:
        How many there were.
    """
    n = 0
    for ordinals, vectors in runs:
        if len(ordinals):
            vectors = np.ascontiguousarray(vectors, np.float32)
            index.add_with_ids(vectors, ordinals.astype(np.int64))
        n += len(ordinals)
    return n


def read_vectors(path: Path, *, to_change: bool = False) -> Any:
    """An index from its file.

    Args:
        path: The file.
        to_change: Into memory; else vectors are mapped, and what is read must stay as it is.

    Raises:
        IndexFormatError: If it is none.
    """
    try:
        return faiss.read_index(str(path), 0 if to_change else faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        raise IndexFormatError(
            f"{path}: not a file of vectors. It is damaged: restore it from a backup, or make the "
            "vectors again with `preread dense`."
        ) from error


def write_vectors(index: Any, path: Path) -> None:
    """Write an index to a file."""
    faiss.write_index(index, str(path))


def emptied(path: Path) -> Any:
    """An index that has learned what the one in a file has, and holds nothing."""
    index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)  # what it holds is not loaded
    if not isinstance(index, faiss.IndexIVF):
        return empty_index(VectorKind.FLAT, index.d, 0, np.empty((0, 0), np.float32))
    lists: Any = faiss.ArrayInvertedLists(index.nlist, index.code_size)
    index.replace_invlists(lists, True)
    lists.this.disown()  # the index frees them
    index.reset()
    return index


def merged(paths: Sequence[Path], without: Array) -> Any:
    """One index of several, less some vectors.

    Args:
        paths: Files of indexes that learned the same.
        without: Ordinals that go. Shape ``(n,)``.
    """
    whole = read_vectors(paths[0], to_change=True)
    for path in paths[1:]:
        whole.merge_from(read_vectors(path, to_change=True), 0)
    if len(without):
        whole.remove_ids(faiss.IDSelectorBatch(without.astype(np.int64)))
    return whole


def search_vectors(index: Any, queries: Array, k: int, without: Array) -> Iterator[list[Any]]:
    """The nearest vectors.

    Args:
        index: What `read_vectors` gives.
        queries: Shape ``(n_queries, width)``, float32.
        k: How many at most.
        without: Ordinals that are passed over. Shape ``(n,)``.

    Yields:
        For each query pairs of a product and an ordinal, the greatest product first.
    """
    parameters = None
    if len(without):
        is_cells = isinstance(index, faiss.IndexIVF)
        # By Any: the type hints do not know the settings that constructors take.
        make: Any = faiss.SearchParametersIVF if is_cells else faiss.SearchParameters
        left = faiss.IDSelectorNot(faiss.IDSelectorBatch(without.astype(np.int64)))
        parameters = make(sel=left, **({"nprobe": index.nprobe} if is_cells else {}))
    products, ordinals = index.search(queries, min(k, index.ntotal), params=parameters)
    for of_query, found in zip(products.tolist(), ordinals.tolist(), strict=True):
        yield [(p, o) for p, o in zip(of_query, found, strict=True) if o >= 0]
