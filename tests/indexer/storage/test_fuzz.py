"""Real files of an index with some bytes changed: an error that names the file, or what it says.

``PREREAD_FUZZ_SECONDS=600 pytest --log-cli-level INFO …`` runs longer and says how much was tried.
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import faiss
import h5py
import numpy as np
import pytest
from hypothesis import strategies as st
from preread.data import PrereadError
from preread.data.records import Metadata
from preread.indexer import Manifest, PassageIndex, ShardReader
from preread.indexer.bm25.indexer import parse_file_list
from preread.indexer.dense import VectorKind
from preread.indexer.dense.checking import check_vectors
from preread.indexer.dense.vectors import (
    add_vectors,
    empty_index,
    n_training_vectors,
    read_vectors,
    write_vectors,
)
from preread.indexer.storage.arrays import map_array, write_array
from preread.indexer.storage.journal import Journal
from preread.indexer.storage.json_files import parse_sealed_json, write_sealed_json
from preread.indexer.storage.lookup import Lookup, key_of
from preread.indexer.storage.manifest import CountedFile, DenseEntry
from preread.indexer.storage.metadata import MetadataFile, write_metadata
from preread.reader import Reader
from preread.reader.codecs import load_codec

from tests.fuzzing import SECONDS, fuzz

_USER_BLOCK = 2048
_NUMBERS = [0, 1, 2, 127, 128, 255, 256, 4096, 65_535, 1 << 31, (1 << 32) - 1, 1 << 40, 1 << 62]
_NUMBERS += [(1 << 63) - 1, 1 << 63, (1 << 64) - 1]


@dataclass(frozen=True)
class Materials:
    """Real files that are mutated."""

    folder: Path
    index: Path
    codec: Path
    reader: Reader

    def write(self, name: str, data: bytes) -> Path:
        """A file for a target to read, under a name of its own."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        return path


@st.composite
def mutated(draw: st.DrawFn, whole: bytes, first: int = 4096) -> bytes:
    """Bytes with a few changes, most of them near the beginning, where headers are."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 6))):
        most = min(len(data), first) if draw(st.integers(0, 3)) else len(data)
        place = draw(st.integers(0, max(0, most - 1)))
        match draw(st.integers(0, 6)):
            case 0:
                data[place : place + 1] = bytes([draw(st.integers(0, 255))])
            case 1:
                size = draw(st.sampled_from([1, 2, 4, 8]))
                number = draw(st.sampled_from(_NUMBERS)) % (1 << 8 * size)
                data[place : place + size] = number.to_bytes(size, "little")
            case 2:
                data[place:place] = draw(st.binary(max_size=16))
            case 3:
                del data[place : place + draw(st.integers(1, 64))]
            case 4:
                length = draw(st.integers(1, 64))
                data[place : place + length] = data[:length]
            case 5:
                data[place : place + 1] = bytes(
                    byte ^ (1 << draw(st.integers(0, 7))) for byte in data[place : place + 1]
                )
            case _:
                del data[place:]
    return bytes(data)


_LEAVES = (
    st.none()
    | st.booleans()
    | st.sampled_from([*_NUMBERS, -1, -(1 << 63), 1 << 80, 0.5, 1e308, float("nan")])
    | st.sampled_from(["", "..", "../x", "/etc/passwd", "|O", "<f8", "\0", "é" * 99, "0" * 64])
    | st.text(max_size=8)
)


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner)


_VALUES = st.recursive(_LEAVES, _containers, max_leaves=8)


@st.composite
def mutated_json(draw: st.DrawFn, content: Any) -> Any:
    """JSON with another value, or without one, in some place."""
    changed = json.loads(json.dumps(content))
    for _ in range(draw(st.integers(1, 3))):
        owner = changed
        while True:
            keys = [*owner] if isinstance(owner, dict) else [*range(len(owner))]
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(owner[key], dict | list) and owner[key] and draw(st.booleans()):
                owner = owner[key]
                continue
            if draw(st.integers(0, 4)):
                owner[key] = draw(_VALUES)
            else:
                del owner[key]
            break
    return changed


def sealed(folder: Path, content: dict[str, Any]) -> bytes:
    """What a sealed file of this content holds."""
    path = folder / "sealed.json"
    write_sealed_json(path, content)
    return path.read_bytes()


Target = Callable[[Materials, st.DataObject], None]


def manifest_bytes(materials: Materials, data: st.DataObject) -> None:
    """Any bytes in the place of a manifest."""
    whole = (materials.index / "manifest.json").read_bytes()
    Manifest.parse(data.draw(mutated(whole)), "manifest.json")


def manifest_values(materials: Materials, data: st.DataObject) -> None:
    """Other values, with a seal that is right."""
    content = json.loads((materials.index / "manifest.json").read_bytes())
    del content["sha256"]
    changed = data.draw(mutated_json(content))
    manifest = Manifest.parse(sealed(materials.folder, changed), "manifest.json")
    for file in manifest.files():
        assert not file.file.startswith("/") and ".." not in file.file


def file_list(materials: Materials, data: st.DataObject) -> None:
    """The list of Lucene's files."""
    content = json.loads((materials.index / "lucene-000000" / "files.json").read_bytes())
    del content["sha256"]
    changed = data.draw(mutated_json(content))
    seal = sealed(materials.folder, changed)
    for file in parse_file_list(parse_sealed_json(seal, "files.json"), "files.json"):
        assert "/" not in file.file and ".." not in file.file


def journal(materials: Materials, data: st.DataObject) -> None:
    """A journal of a build."""
    entry = json.loads((materials.index / "manifest.json").read_bytes())["shards"][0]
    line = json.dumps(data.draw(mutated_json(entry))) + "\n"
    folder = materials.folder / "build"
    folder.mkdir(exist_ok=True)
    (folder / "build.json").write_text("{}")
    lines = st.just(line.encode()) | mutated(line.encode())
    (folder / "build-shards.jsonl").write_bytes(data.draw(lines))
    Journal(folder, {}, resume=True)


def read_shard(path: Path) -> None:
    """Everything of a shard."""
    shard = ShardReader(path)
    for row in range(min(shard.n_passages, 50)):
        for work in (shard.will_read, shard.windows, shard.passage):
            try:
                work(row)
            except PrereadError:
                pass


def _first_shard(materials: Materials) -> bytes:
    return (materials.index / "states" / "shard-00000.h5").read_bytes()


def shard_bytes(materials: Materials, data: st.DataObject) -> None:
    """A shard with changes in its user block and the headers of HDF5."""
    read_shard(materials.write("shard.h5", data.draw(mutated(_first_shard(materials), first=8000))))


def shard_layouts(materials: Materials, data: st.DataObject) -> None:
    """Other places of data sets, with a checksum that is right."""
    whole = _first_shard(materials)
    layouts = data.draw(mutated_json(json.loads(whole[:_USER_BLOCK].split(b"\n")[0])))
    line = json.dumps(layouts, separators=(",", ":")).encode()[: _USER_BLOCK - 10]
    block = (line + b"\n%08x\n" % zlib.crc32(line)).ljust(_USER_BLOCK, b"\0")
    read_shard(materials.write("shard.h5", block + whole[_USER_BLOCK:]))


def shard_columns(materials: Materials, data: st.DataObject) -> None:
    """Other numbers in the columns that say where something lies."""
    whole = bytearray(_first_shard(materials))
    layouts = json.loads(bytes(whole[:_USER_BLOCK]).split(b"\n")[0])
    for _ in range(data.draw(st.integers(1, 4))):
        name = data.draw(st.sampled_from(sorted(layouts)))
        dtype, shape, offset = layouts[name]
        if offset is not None:
            size = int(dtype[2:])
            row = data.draw(st.integers(0, shape[0] - 1))
            number = data.draw(st.sampled_from(_NUMBERS)) % (1 << 8 * size)
            whole[offset + row * size : offset + (row + 1) * size] = number.to_bytes(size, "little")
    read_shard(materials.write("shard.h5", bytes(whole)))


def lookup_bytes(materials: Materials, data: st.DataObject) -> None:
    """A lookup file."""
    whole = (materials.index / "lookup" / "lookup-000000.h5").read_bytes()
    path = materials.write("lookup.h5", data.draw(mutated(whole, first=3000)))
    lookup = Lookup(path, Manifest.load(materials.index).lookups[0].n)
    for name in ("id", "text"):
        lookup.candidates(name, key_of("x"))
        lookup.keys[name].sum()
        lookup.ordinals[name].sum()


def metadata_bytes(materials: Materials, data: st.DataObject) -> None:
    """A metadata file."""
    path = materials.folder / "metadata" / "metadata-000000.h5"
    if not path.exists():
        fields: dict[int, Metadata] = {n: {"page": n, "source": "handbook"} for n in range(100)}
        write_metadata(materials.folder, fields, 0)
    changed = data.draw(mutated(path.read_bytes(), first=3000))
    file = MetadataFile(materials.write("metadata.h5", changed))
    for ordinal in (0, 50, 99, 100):
        file.get(ordinal)
    list(file)


def codec_bytes(materials: Materials, data: st.DataObject) -> None:
    """A learned codec."""
    whole = materials.codec.read_bytes()
    load_codec(materials.write("codec.safetensors", data.draw(mutated(whole))), materials.reader)


def codec_header(materials: Materials, data: st.DataObject) -> None:
    """A learned codec with another header, of the right length."""
    whole = materials.codec.read_bytes()
    (length,) = struct.unpack("<Q", whole[:8])
    changed = data.draw(mutated_json(json.loads(whole[8 : 8 + length])))
    header = json.dumps(changed).encode()
    content = struct.pack("<Q", len(header)) + header + whole[8 + length :]
    load_codec(materials.write("codec.safetensors", content), materials.reader)


def array_bytes(materials: Materials, data: st.DataObject) -> None:
    """Deleted ordinals."""
    path = materials.folder / "array.npy"
    write_array(path, np.arange(50, dtype="<u4"))
    changed = data.draw(mutated(path.read_bytes()))
    map_array(materials.write("array.npy", changed), "<u4", (50,)).sum()


def vector_bytes(materials: Materials, data: st.DataObject) -> None:
    """Files of vectors of all kinds, with hashes that are right."""
    kind = data.draw(st.sampled_from(list(VectorKind)))
    whole = (materials.folder / f"{kind}.faiss").read_bytes()
    (materials.folder / "dense").mkdir(exist_ok=True)
    name = "dense/vectors-000000.faiss"
    path = materials.write(name, data.draw(mutated(whole, first=1500)))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    file = CountedFile(file=name, bytes=path.stat().st_size, sha256=sha256, n=300)
    fields = {"encoder": "", "fingerprint": "", "query_prefix": "", "passage_prefix": ""}
    dense = DenseEntry(**fields, width=8, kind=kind.value, files=(file,))
    for checked in check_vectors(materials.folder, dense):
        read_vectors(checked).search(np.ones((1, 8), np.float32), 5)


TARGETS: list[Target] = [
    *(manifest_bytes, manifest_values, file_list, journal),
    *(shard_bytes, shard_layouts, shard_columns, lookup_bytes, metadata_bytes),
    *(codec_bytes, codec_header, array_bytes, vector_bytes),
]


def write_materials(folder: Path, reader: Reader, index: Path, codec: Path) -> Materials:
    """Files of vectors, beside an index and a codec that are there."""
    vectors = np.random.default_rng(0).standard_normal((300, 8)).astype(np.float32)
    for kind in VectorKind:
        made = empty_index(kind, 8, 300, vectors[: n_training_vectors(kind, 300)])
        add_vectors(made, [(np.arange(300, dtype="<u4"), vectors)])
        write_vectors(made, folder / f"{kind}.faiss")
    return Materials(folder, index, codec, reader)


@pytest.fixture(scope="module")
def materials(
    built: Path,
    tiny_reader: Reader,
    tiny_codec_path: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Materials:
    """Files to mutate."""
    folder = tmp_path_factory.mktemp("fuzz")
    return write_materials(folder, tiny_reader, built, tiny_codec_path("rpq4"))


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=[target.__name__ for target in TARGETS])
def test_no_bytes_crash_or_hang(target: Target, materials: Materials) -> None:
    fuzz(partial(target, materials), SECONDS / len(TARGETS))


def test_targets_accept_what_is_as_we_wrote_it(materials: Materials) -> None:
    read_shard(materials.write("shard.h5", _first_shard(materials)))
    load_codec(materials.codec, materials.reader)
    with (
        PassageIndex(materials.index) as index,
        h5py.File(materials.index / "states" / "shard-00000.h5") as file,
    ):
        assert index.passage(0) and len(file) == 15
        assert faiss.read_index(str(materials.folder / "flat.faiss")).ntotal == 300
