"""Files of vectors that somebody made up: faiss only sees what has the structure of ours."""

import hashlib
import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np
import pytest
from preread.indexer import IndexFormatError, Manifest, PassageIndex
from preread.indexer.dense import DenseSearcher, SentenceEncoder, VectorKind, build_dense
from preread.indexer.dense.checking import check_vectors
from preread.indexer.dense.vectors import (
    add_vectors,
    empty_index,
    merged,
    n_training_vectors,
    write_vectors,
)
from preread.indexer.storage.manifest import CountedFile, DenseEntry

FILE = "dense/vectors-000000.faiss"
WIDTH, N = 8, 300
UNTRAINED = (VectorKind.INT8, VectorKind.FLAT)
TRAINED = [kind for kind in VectorKind if kind not in UNTRAINED]


def described(folder: Path, kind: str, n: int = N, width: int = WIDTH) -> DenseEntry:
    """What a manifest says of the file, with a hash that is right."""
    fields = {"encoder": "x", "fingerprint": "x", "query_prefix": "", "passage_prefix": ""}
    files = (CountedFile.count(folder, FILE, n),)
    return DenseEntry(**fields, width=width, kind=kind, files=files)


@pytest.fixture(
    params=[*UNTRAINED, *(pytest.param(k, marks=pytest.mark.slow) for k in TRAINED)],
    scope="session",
)
def written(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, VectorKind]:
    """A file of each kind; those whose quantisers are learned take seconds."""
    kind = VectorKind(request.param)
    vectors = np.random.default_rng(0).standard_normal((N, WIDTH)).astype(np.float32)
    index = empty_index(kind, WIDTH, N, vectors[: n_training_vectors(kind, N)])
    add_vectors(index, [(np.arange(N, dtype="<u4"), vectors)])
    folder = tmp_path_factory.mktemp(str(kind))
    (folder / "dense").mkdir()
    write_vectors(index, folder / FILE)
    return folder, kind


@pytest.fixture
def made(written: tuple[Path, VectorKind], tmp_path: Path) -> tuple[Path, VectorKind]:
    """A copy of the file, to be changed."""
    folder, kind = written
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return tmp_path, kind


def test_files_of_ours_are_accepted(made: tuple[Path, VectorKind]) -> None:
    folder, kind = made
    (path,) = check_vectors(folder, described(folder, kind))
    assert merged([path], np.arange(3)).ntotal == N - 3


def test_no_number_of_the_structure_can_be_another(made: tuple[Path, VectorKind]) -> None:
    """Each run of four bytes of the headers is set to numbers that would do harm."""
    folder, kind = made
    path = folder / FILE
    whole = path.read_bytes()
    index = faiss.read_index(str(path))
    before = [row.tolist() for row in index.search(np.ones((1, WIDTH), np.float32), 3)]
    refused = 0
    for place in (*range(0, 200, 4), *range(len(whole) - 4 * N, len(whole), 97)):
        for number in (0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x10000):
            data = whole[:place] + struct.pack("<I", number) + whole[place + 4 :]
            path.write_bytes(data[: len(whole)])
            try:
                check_vectors(folder, described(folder, kind))
            except IndexFormatError:
                refused += 1
                continue
            found = faiss.read_index(str(path))  # only numbers of vectors may be others
            assert found.ntotal == N and found.d == WIDTH
            found.search(np.ones((1, WIDTH), np.float32), 3)
    path.write_bytes(whole)
    check_vectors(folder, described(folder, kind))
    assert refused > 60
    again = faiss.read_index(str(path)).search(np.ones((1, WIDTH), np.float32), 3)
    assert [row.tolist() for row in again] == before


def test_a_file_ends_where_its_structure_does(made: tuple[Path, VectorKind]) -> None:
    folder, kind = made
    path = folder / FILE
    whole = path.read_bytes()
    for n_bytes in (0, 3, 4, 40, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:n_bytes])
        with pytest.raises(IndexFormatError, match="not a file of .* vectors"):
            check_vectors(folder, described(folder, kind))
    path.write_bytes(whole + b"x")
    with pytest.raises(IndexFormatError, match="its end"):
        check_vectors(folder, described(folder, kind))
    path.write_bytes(whole)
    for entry in (
        described(folder, kind, n=N + 1),
        described(folder, kind, width=WIDTH * 2),
        described(folder, "hnsw"),
        *(described(folder, other) for other in VectorKind if other != kind),
    ):
        with pytest.raises(IndexFormatError, match="not a file of .* vectors"):
            check_vectors(folder, entry)


MAKERS: list[Callable[[], faiss.Index]] = [
    lambda: faiss.IndexFlatIP(WIDTH),
    lambda: faiss.IndexHNSWFlat(WIDTH, 4),
    lambda: faiss.IndexLSH(WIDTH, 8),
    lambda: faiss.IndexIDMap2(faiss.index_factory(WIDTH, "SQfp16")),
    lambda: faiss.IndexIDMap(faiss.IndexFlatL2(WIDTH)),
    lambda: faiss.index_factory(WIDTH, "PCA4,Flat"),
    lambda: faiss.index_factory(WIDTH, "SQ8"),
]


@pytest.mark.parametrize("make", MAKERS)
def test_other_kinds_of_index_are_never_read(
    tmp_path: Path, make: Callable[[], faiss.Index]
) -> None:
    (tmp_path / "dense").mkdir()
    faiss.write_index(make(), str(tmp_path / FILE))
    for kind in VectorKind:
        with pytest.raises(IndexFormatError, match="not a file of .* vectors"):
            check_vectors(tmp_path, described(tmp_path, kind, n=0))


def test_vectors_are_hashed_before_they_are_searched(
    built: Path, tiny_encoder: SentenceEncoder, tmp_path: Path
) -> None:
    index = Path(shutil.copytree(built, tmp_path / "index"))
    build_dense(index, tiny_encoder)
    dense = Manifest.load(index).dense
    assert dense is not None
    path = index / dense.files[0].file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with PassageIndex(index) as opened:
        with pytest.raises(IndexFormatError, match="its SHA-256 is not the manifest's"):
            DenseSearcher(opened, tiny_encoder)
    sha256 = hashlib.sha256(data).hexdigest()
    entry = replace(dense, files=(replace(dense.files[0], sha256=sha256),))
    check_vectors(index, entry)  # a number of a vector: a score may be another, no more
