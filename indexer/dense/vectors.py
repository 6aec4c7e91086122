"""Files of vectors in faiss's format; the identifier of a vector is the passage's ordinal."""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from ...data import PrereadError
from ..errors import IndexFormatError
from ..storage.files import raise_if_refused
from .kinds import BYTES_OF_NUMBERS, VectorKind

Array = npt.NDArray[Any]
_INT8_DEVIATIONS, _MOST_INT8 = 8.0, 127
"""Numbers of a vector that are larger than so many standard deviations are cut off in int8. In a
vector of length 1 the deviation is 1 / sqrt(width)."""
_TINY = 1e-30
"""Least number that a question's step is computed from: a vector of zeros has a step too."""
_VECTORS_PER_CELL = 64
"""Number of vectors from which the centre of a cell is learned; faiss warns below 39."""
_LEAST_LEARNED_FROM = 256
"""A byte of a product quantiser has so many values, each of which needs a vector to learn from."""
_VECTORS_AT_ONCE = 10_000
"""Number of vectors that are decoded at once."""
_N_PROBE = 64
"""Number of cells in which a search compares vectors."""


def n_training_vectors(kind: VectorKind, n_vectors: int) -> int:
    """Number of vectors from which `empty_index` learns.

    Args:
        kind: How vectors are stored.
        n_vectors: Number of vectors that the index will hold.
    """
    if kind in (VectorKind.INT8, VectorKind.FLAT):
        return 0
    return min(n_vectors, _VECTORS_PER_CELL * _n_cells(n_vectors))


def _n_cells(n_vectors: int) -> int:
    """Number of cells: about four times the square root, as faiss's wiki advises to a million."""
    return max(1, min(round(4 * math.sqrt(n_vectors)), n_vectors // _VECTORS_PER_CELL))


def empty_index(kind: VectorKind, width: int, n_vectors: int, sample: Array) -> Any:
    """Make an empty faiss index and let it learn its cells and quantiser.

    Args:
        kind: How vectors are stored.
        width: Number of dimensions of a vector.
        n_vectors: Number of vectors that the index will hold.
        sample: Vectors to learn from. Shape ``(n_training_vectors, width)``, float32.

    Raises:
        PrereadError: If there are too few vectors to learn from.
    """
    metric = faiss.METRIC_INNER_PRODUCT
    if kind is VectorKind.INT8:
        numbers = faiss.ScalarQuantizer.QT_8bit_direct_signed
        return faiss.IndexIDMap(faiss.IndexScalarQuantizer(width, numbers, metric))
    if kind is VectorKind.FLAT:
        return faiss.IndexIDMap(faiss.index_factory(width, "SQfp16", metric))
    if n_vectors < _LEAST_LEARNED_FROM:
        raise PrereadError(
            f"{kind}: expected at least {_LEAST_LEARNED_FROM} passages to learn from, found "
            f"{n_vectors}. Use {VectorKind.for_size(n_vectors)}."
        )
    n_cells = _n_cells(n_vectors)
    n_bytes = max(1, width // BYTES_OF_NUMBERS)
    inner = "SQfp16" if kind is VectorKind.IVF else f"PQ{n_bytes}x8"
    index: Any = faiss.index_factory(width, f"IVF{n_cells},{inner}", metric)
    index.train(np.ascontiguousarray(sample, np.float32))
    index.nprobe = min(_N_PROBE, n_cells)
    return index


def add_vectors(index: Any, runs: Iterable[tuple[Array, Array]]) -> int:
    """Add vectors to a faiss index, and count them.

    Args:
        index: The faiss index.
        runs: Ordinals of shape ``(n,)`` and their vectors of shape ``(n, width)``.
    """
    n = 0
    for ordinals, vectors in runs:
        if len(ordinals):
            vectors = np.ascontiguousarray(vectors, np.float32)
            if _is_int8(index):
                vectors = (vectors / _int8_step(index.d)).round().clip(-_MOST_INT8, _MOST_INT8)
            index.add_with_ids(vectors, ordinals.astype(np.int64))
        n += len(ordinals)
    return n


def read_vectors(path: Path, *, to_change: bool = False) -> Any:
    """Read a faiss index.

    Args:
        path: File of the index, which `check_vectors` has checked.
        to_change: Load the vectors into memory, so that the index can be changed. Otherwise they
            are mapped from the file, and the index must not be changed.

    Raises:
        IndexFormatError: If the file holds no faiss index.
        IndexAccessError: If the operating system does not let it be read.
    """
    try:
        return faiss.read_index(str(path), 0 if to_change else faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        raise_if_refused(path, error)
        raise IndexFormatError(
            f"{path}: not a file of vectors. It is damaged: restore it from a backup, or make the "
            "vectors again with `preread dense`."
        ) from error


def write_vectors(index: Any, path: Path) -> None:
    """Write a faiss index to a file.

    Args:
        index: The faiss index.
        path: The file to write.
    """
    faiss.write_index(index, str(path))


def emptied(path: Path) -> Any:
    """Read a faiss index without its vectors, but with the cells and quantiser it has learned.

    Args:
        path: File of the index.
    """
    index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)  # the vectors are not loaded
    if not isinstance(index, faiss.IndexIVF):
        kind = VectorKind.INT8 if _is_int8(index) else VectorKind.FLAT
        return empty_index(kind, index.d, 0, np.empty((0, 0), np.float32))
    lists: Any = faiss.ArrayInvertedLists(index.nlist, index.code_size)
    index.replace_invlists(lists, True)
    lists.this.disown()  # the index frees them
    index.reset()
    return index


def merged(paths: Sequence[Path], without: Array) -> Any:
    """Join several faiss indexes, and remove some vectors.

    Args:
        paths: Files of indexes with the same cells and quantiser.
        without: Ordinals of the vectors to remove. Shape ``(n,)``.
    """
    whole = read_vectors(paths[0], to_change=True)
    for path in paths[1:]:
        whole.merge_from(read_vectors(path, to_change=True), 0)
    if len(without):
        whole.remove_ids(faiss.IDSelectorBatch(without.astype(np.int64)))
    return whole


def stored_vectors(path: Path) -> Iterator[tuple[Array, Array]]:
    """Read the vectors of a faiss index, as exactly as it stores them.

    Args:
        path: File of the index, which `check_vectors` has checked.

    Yields:
        Ordinals of shape ``(n,)``, and their vectors of shape ``(n, width)``, float32.
    """
    index = read_vectors(path, to_change=True)
    if not isinstance(index, faiss.IndexIVF):
        ordinals = faiss.vector_to_array(index.id_map)
        for first in range(0, len(ordinals), _VECTORS_AT_ONCE):
            some = ordinals[first : first + _VECTORS_AT_ONCE]
            vectors = index.index.reconstruct_n(first, len(some))
            yield some, vectors * _int8_step(index.d) if _is_int8(index) else vectors
        return
    cells: Any = index  # faiss's type hints lack some methods
    lists = cells.invlists
    for cell in range(cells.nlist):
        n = lists.list_size(cell)
        if n:
            codes = faiss.rev_swig_ptr(lists.get_codes(cell), n * cells.code_size)
            # A code that stands alone begins with the number of its cell.
            number = np.frombuffer(cell.to_bytes(cells.coarse_code_size(), "little"), np.uint8)
            whole = np.hstack([np.tile(number, (n, 1)), codes.reshape(n, cells.code_size)])
            yield faiss.rev_swig_ptr(lists.get_ids(cell), n).copy(), cells.sa_decode(whole)


def search_vectors(
    index: Any, queries: Array, k: int, without: Array
) -> Iterator[list[tuple[float, int]]]:
    """Find the nearest vectors.

    Args:
        index: The faiss index.
        queries: Vectors of the questions. Shape ``(n_queries, width)``, float32.
        k: Greatest number of vectors for each question.
        without: Ordinals of vectors to leave out. Shape ``(n,)``.

    Yields:
        For each question pairs of a product and an ordinal, the greatest product first.
    """
    parameters = None
    if len(without):
        left = faiss.IDSelectorNot(faiss.IDSelectorBatch(without.astype(np.int64)))
        parameters = _parameters(index, left, all_cells=False)
    yield from _found(index, queries, k, parameters)


def search_among(index: Any, query: Array, among: Array) -> list[tuple[float, int]]:
    """Products of a question with given vectors, greatest first, whatever cells they are in.

    Args:
        index: The faiss index.
        query: Vector of the question. Shape ``(1, width)``, float32.
        among: Ordinals of the vectors; those that the index lacks are passed over. Shape ``(n,)``.
    """
    chosen = faiss.IDSelectorBatch(among.astype(np.int64))
    parameters = _parameters(index, chosen, all_cells=True)
    (found,) = _found(index, query, len(among), parameters)
    return found


def _parameters(index: Any, selector: Any, *, all_cells: bool) -> Any:
    """Parameters of a search among the vectors that a selector of faiss accepts."""
    # Any: faiss's type hints do not have the keyword arguments of these constructors.
    if not isinstance(index, faiss.IndexIVF):
        make: Any = faiss.SearchParameters
        return make(sel=selector)
    make = faiss.SearchParametersIVF
    return make(sel=selector, nprobe=index.nlist if all_cells else index.nprobe)


def _found(
    index: Any, queries: Array, k: int, parameters: Any
) -> Iterator[list[tuple[float, int]]]:
    """For each question the pairs of a product and an ordinal that faiss finds."""
    k = min(k, index.ntotal)
    if _is_int8(index):
        # faiss multiplies whole numbers: a question has a step of its own.
        steps = np.maximum(np.abs(queries).max(axis=1, keepdims=True), _TINY) / _MOST_INT8
        products, ordinals = index.search((queries / steps).round(), k, params=parameters)
        products *= steps * _int8_step(index.d)
    else:
        products, ordinals = index.search(queries, k, params=parameters)
    for of_query, found in zip(products.tolist(), ordinals.tolist(), strict=True):
        yield [(p, o) for p, o in zip(of_query, found, strict=True) if o >= 0]


def _is_int8(index: Any) -> bool:
    """Whether a faiss index keeps vectors in int8."""
    if isinstance(index, faiss.IndexIVF):
        return False
    inner: Any = faiss.downcast_index(index.index)
    return bool(inner.sq.qtype == faiss.ScalarQuantizer.QT_8bit_direct_signed)


def _int8_step(width: int) -> float:
    """What one step of int8 is worth in a vector of length 1.

    It depends on the width alone, so that a file may begin with few vectors and get many.
    """
    return min(1.0, _INT8_DEVIATIONS / math.sqrt(width)) / _MOST_INT8
