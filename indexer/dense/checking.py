"""What a file of vectors must be before faiss reads it.

faiss takes sizes and counts from a file and uses them. Here the whole structure of the file is gone
through first, in whole numbers of Python: only the kinds of index that we write are accepted,
every size must be what the others make it, and the last one must end where the file does. Only the
numbers of vectors, centroids and identifiers are left as they are; whatever they are, faiss reads
within its own memory.

Source: ``index_write.cpp`` of faiss 1.15 (https://github.com/facebookresearch/faiss).
"""

import struct
from pathlib import Path

import numpy as np

from ..errors import IndexFormatError
from ..storage.dataset_offsets import Array
from ..storage.manifest import CountedFile, DenseEntry
from .kinds import BYTES_OF_NUMBERS, VectorKind

MOST_HASHED_BYTES = 1 << 32
"""Larger files are not hashed before they are searched, which would take longer than some seconds;
``preread verify`` hashes them."""
_INNER_PRODUCT, _PQ_BITS = 0, 8
"""faiss's number of the metric, and bits of a code."""
_INT8, _FLOAT16 = (8, 1), (4, 2)
"""faiss's number of a scalar quantiser, and the bytes that a number takes."""
_NOTHING_MAPPED = 0
_CENTROIDS = 1 << _PQ_BITS


def check_vectors(index: Path, dense: DenseEntry) -> list[Path]:
    """Check the files of an index's vectors, which faiss may then read.

    Args:
        index: The index folder.
        dense: What the manifest says of them.

    Raises:
        IndexFormatError: If one is no such file, or its bytes have changed.
        IndexAccessError: If one cannot be read.
    """
    for file in dense.files:
        if file.bytes <= MOST_HASHED_BYTES:
            file.check(index)
        else:
            file.check_size(index)
        try:
            _File(index / file.file, dense, file).check()
        except (ValueError, struct.error) as error:
            raise IndexFormatError(
                f"{index / file.file}: not a file of {dense.kind} vectors ({error}). It is "
                "damaged: restore it from a backup, or make the vectors again with `preread dense`."
            ) from error
    return [index / file.file for file in dense.files]


class _File:
    """A file of vectors, gone through from its beginning."""

    def __init__(self, path: Path, dense: DenseEntry, file: CountedFile) -> None:
        self._bytes: Array = np.memmap(path, np.uint8, "r")
        self._at = 0
        self._width, self._n = dense.width, file.n
        try:
            self._kind = VectorKind(dense.kind)
        except ValueError:
            raise ValueError(f"expected one of {', '.join(VectorKind)}") from None

    def check(self) -> None:
        """Go through the file."""
        if self._kind is VectorKind.INT8:
            self._one_list(_INT8)
        elif self._kind is VectorKind.FLAT:
            self._one_list(_FLOAT16)
        else:
            self._cells()
        self._expect("its end", len(self._bytes), self._at)

    def _one_list(self, numbers: tuple[int, int]) -> None:
        """An index that compares every vector, and its identifiers."""
        self._name("IxMp")
        self._header(self._n)
        self._name("IxSQ")
        self._header(self._n)
        self._scalar_quantiser(*numbers)
        self._vector(numbers[1] * self._width * self._n, 1)
        self._vector(self._n, 8)

    def _cells(self) -> None:
        """An index of cells."""
        self._name("IwSq" if self._kind is VectorKind.IVF else "IwPQ")
        self._header(self._n)
        n_cells, n_probe = self._take("<QQ")
        if not 1 <= n_probe <= n_cells <= len(self._bytes):
            raise ValueError(f"expected cells, found {n_cells}, {n_probe} of them searched")
        self._name("IxFI")
        self._header(n_cells)
        self._vector(n_cells * self._width, 4)
        self._expect("map of vectors", (_NOTHING_MAPPED, 0), self._take("<BQ"))
        if self._kind is VectorKind.IVF:
            self._scalar_quantiser(*_FLOAT16)
            code_size = 2 * self._width
            self._expect("size of a code", (code_size, 1), self._take("<QB"))
        else:
            code_size = max(1, self._width // BYTES_OF_NUMBERS)
            self._expect("size of a code", (1, code_size), self._take("<BQ"))
            wanted = (self._width, code_size, _PQ_BITS)
            self._expect("product quantiser", wanted, self._take("<QQQ"))
            self._vector(self._width * _CENTROIDS, 4)
        self._lists(n_cells, code_size)

    def _lists(self, n_cells: int, code_size: int) -> None:
        """The codes and identifiers of all cells."""
        self._name("ilar")
        self._expect("lists", (n_cells, code_size), self._take("<QQ"))
        form = self._bytes[self._at : self._at + 4].tobytes()
        if form == b"full":
            self._name("full")
            sizes = self._numbers(n_cells)
        else:
            self._name("sprs")
            (n_numbers,) = self._take("<Q")
            self._at -= 8
            if n_numbers % 2 or n_numbers > 2 * n_cells:
                raise ValueError(f"expected sizes of cells, found {n_numbers} numbers")
            pairs = self._numbers(n_numbers)
            cells, sizes = pairs[::2], pairs[1::2]
            if len(cells) and (int(cells.max()) >= n_cells or len(np.unique(cells)) < len(cells)):
                raise ValueError("expected each cell once")
        if len(sizes) and int(sizes.max()) > self._n:
            raise ValueError(f"expected cells of at most {self._n} vectors")
        self._expect("vectors", self._n, sum(sizes.tolist()))
        self._skip(self._n * (code_size + 8))

    def _header(self, n: int) -> None:
        """What every index begins with."""
        width, found, _, _, is_trained, metric = self._take("<iqqqBi")
        wanted = (self._width, n, 1, _INNER_PRODUCT)
        self._expect("width, count, state and metric", wanted, (width, found, is_trained, metric))

    def _scalar_quantiser(self, number: int, n_bytes: int) -> None:
        """How the numbers of a vector are kept: faiss's number of that, and the bytes of each."""
        kind, _, _, width, code_size = self._take("<iifQQ")
        wanted = (number, self._width, n_bytes * self._width)
        self._expect("scalar quantiser", wanted, (kind, width, code_size))
        self._vector(0, 4)

    def _name(self, wanted: str) -> None:
        """The four letters that name a kind."""
        found = self._bytes[self._at : self._at + 4].tobytes()
        if found != wanted.encode():
            raise ValueError(f"expected {wanted} at byte {self._at}, found {found!r}")
        self._at += 4

    def _vector(self, n: int, size: int) -> None:
        """A count, and so many numbers of a size."""
        self._expect("length", (n,), self._take("<Q"))
        self._skip(n * size)

    def _numbers(self, n: int) -> Array:
        """A count, and so many whole numbers."""
        first = self._at + 8
        self._vector(n, 8)
        return self._bytes[first : self._at].view("<u8")

    def _take(self, form: str) -> tuple[int, ...]:
        """Some numbers."""
        size = struct.calcsize(form)
        found: tuple[int, ...] = struct.unpack(
            form, self._bytes[self._at : self._at + size].tobytes()
        )
        self._at += size
        return found

    def _skip(self, n_bytes: int) -> None:
        if n_bytes > len(self._bytes) - self._at:
            raise ValueError(f"expected {n_bytes} bytes after byte {self._at}, found fewer")
        self._at += n_bytes

    def _expect(self, what: str, wanted: object, found: object) -> None:
        if found != wanted:
            raise ValueError(f"{what}: expected {wanted}, found {found}, before byte {self._at}")
