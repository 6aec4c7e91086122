"""A second parser, from ``docs/reference/index-format.md`` alone, with h5py and numpy."""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import erf, sqrt
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from preread.data import Passage
from preread.data.sample import sample_corpus_path
from preread.indexer import (
    AddConfig,
    IndexConfig,
    PassageIndex,
    add_passages,
    build_index,
    compact_index,
    delete_passages,
)
from preread.reader import Reader


def read_sealed(path: Path) -> dict[str, Any]:
    """Sealed JSON."""
    text = path.read_text("utf-8")
    content: dict[str, Any] = json.loads(text)
    seal = content.pop("sha256")
    body = json.dumps(content, indent=2, ensure_ascii=False)
    assert hashlib.sha256(body.encode()).hexdigest() == seal
    assert text == body[:-2] + f',\n  "sha256": "{seal}"\n}}\n'
    return content


@dataclass
class Parsed:
    """What the second parser finds of one passage."""

    ordinal: int
    strings: dict[str, str]
    windows: list[tuple[Any, Any, int, int]]
    """Codes, token ids, n_prefix, first_token."""


def parse_shard(path: Path) -> Iterator[Parsed]:
    """All passages of a shard."""
    with h5py.File(path, "r") as file:
        column = {name: file[name][()] for name in file}
        for dataset in file.values():
            assert dataset.chunks is None and dataset.compression is None
    token = window = 0
    at = dict.fromkeys(("id", "title", "text"), 0)
    for row, ordinal in enumerate(column["passage_ordinals"].tolist()):
        strings, crc = {}, zlib.crc32(np.uint32(ordinal).tobytes())
        crc = zlib.crc32(column["passage_n_windows"][row].tobytes(), crc)
        for name in at:
            n_bytes = int(column[f"{name}_lengths"][row])
            data = column[f"{name}_bytes"][at[name] : at[name] + n_bytes].tobytes()
            at[name] += n_bytes
            crc = zlib.crc32(data, zlib.crc32(np.uint32(n_bytes).tobytes(), crc))
            strings[name] = data.decode("utf-8")
        assert crc == column["passage_crc32"][row]
        windows = []
        for _ in range(int(column["passage_n_windows"][row])):
            rows = slice(token, token + int(column["window_lengths"][window]))
            codes, ids = column["codes"][rows], column["token_ids"][rows]
            place = column["window_n_prefix"][window], column["window_first_token"][window]
            crc = zlib.crc32(ids.tobytes(), zlib.crc32(codes.tobytes()))
            crc = zlib.crc32(place[0].tobytes() + place[1].tobytes(), crc)
            assert crc == column["window_crc32"][window]
            windows.append((codes, ids, int(place[0]), int(place[1])))
            token, window = rows.stop, window + 1
        yield Parsed(ordinal, strings, windows)


def read_safetensors(path: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """Metadata and float16 tensors, by the format's own description."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    metadata = header.pop("__metadata__")
    stored = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        numbers = {"F16": "<f2", "I8": "<i1"}[entry["dtype"]]
        flat = np.frombuffer(data[start + begin : start + end], numbers)
        stored[name] = flat.reshape(entry["shape"]).astype(np.float64)
    tensors = {}
    for name in ("position", "neighbours", "mean", "output", "codebooks"):
        tensors[name] = stored[name] * stored[f"{name}_scales"][..., None, :]
    return metadata, {**tensors, "synthesis": stored["synthesis"]}


def decode(codes: Any, ids: Any, tensors: dict[str, Any], words: Any) -> Any:
    """States of one window."""
    embedded = words[ids.astype(int)]
    n_bytes, _, size = tensors["codebooks"].shape
    width = words.shape[1]
    books_a_part = n_bytes * size // len(tensors["synthesis"])
    reach = len(tensors["neighbours"]) // 2
    states = []
    for p in range(len(ids)):
        side = tensors["position"][min(p, len(tensors["position"]) - 1)]
        for o in range(-reach, reach + 1):
            if 0 <= p + o < len(ids):
                side = side + embedded[p + o] @ tensors["neighbours"][o + reach]
        side = side + embedded.mean(0) @ tensors["mean"]
        units = [u * (1 + erf(u / sqrt(2))) / 2 for u in side[width:]]
        state = side[:width] + np.array(units) @ tensors["output"]
        for m in range(n_bytes):
            q = m // books_a_part
            part = tensors["synthesis"][q * size : (q + 1) * size]
            state = state + tensors["codebooks"][m, codes[p, m]] @ part
        states.append(state)
    return np.stack(states)


@pytest.fixture(scope="module", params=["float16", "int8", "rpq4"])
def changed_index(
    request: pytest.FixtureRequest,
    tiny_reader: Reader,
    tiny_codec_path: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """An index that was built, added to, and deleted from."""
    folder = tmp_path_factory.mktemp("format")
    index = folder / "index"
    codec = request.param if request.param != "rpq4" else str(tiny_codec_path("rpq4"))
    config = IndexConfig(codec=codec, passages_per_shard=20, workers=1, limit=60)
    build_index(sample_corpus_path(), index, tiny_reader, config)
    more = folder / "more.jsonl"
    records = [{"id": f"n{i}", "title": "", "text": f"Nächste {i} 😀"} for i in range(3)]
    more.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    add_passages(index, more, tiny_reader, AddConfig(workers=1))
    with PassageIndex(index) as opened:
        gone = [opened.passage(n).passage_id for n in (0, 7, 61)]
    delete_passages(index, gone)
    return index


def test_files_take_the_room_that_was_set_aside_and_no_more(changed_index: Path) -> None:
    """More would have been written without room for it; less is what HDF5 keeps for nothing."""
    files = list(changed_index.rglob("*.h5"))
    assert len(files) > 4
    for path in files:
        with h5py.File(path) as file:
            of_data = sum(data_set.id.get_storage_size() for data_set in file.values())
            of_data += file.userblock_size
        assert 0 < path.stat().st_size - of_data <= 8192, path


def test_shards_tell_at_their_beginning_where_data_sets_lie(changed_index: Path) -> None:
    for path in (changed_index / "states").glob("*.h5"):
        line, crc, rest = path.read_bytes()[:2048].split(b"\n", 2)
        assert int(crc, 16) == zlib.crc32(line) and not any(rest)
        with h5py.File(path, "r") as file:
            assert file.userblock_size == 2048
            assert json.loads(line) == {
                name: [data_set.dtype.str, list(data_set.shape), data_set.id.get_offset()]
                for name, data_set in file.items()
            }


@pytest.mark.parametrize("compacted", [False, True])
def test_second_parser_finds_the_same_passages_and_states(
    changed_index: Path, compacted: bool, tiny_reader: Reader
) -> None:
    if compacted:
        compact_index(changed_index)
    manifest = read_sealed(changed_index / "manifest.json")
    assert manifest["format_version"] == 2
    deleted = set()
    if manifest["deleted"]:
        deleted = set(np.load(changed_index / manifest["deleted"]["file"]).tolist())
    parsed = {
        one.ordinal: one
        for shard in manifest["shards"]
        for one in parse_shard(changed_index / shard["file"])
        if one.ordinal not in deleted
    }
    assert len(parsed) == manifest["n_passages"]
    with PassageIndex(changed_index) as index:
        codec = index.codec(tiny_reader)
        assert list(parsed) == index.ordinals().tolist()
        for ordinal, one in parsed.items():
            passage = Passage(one.strings["id"], one.strings["text"], one.strings["title"])
            assert index.passage(ordinal) == passage
        some = list(parsed)[::9]
        stored = index.fetch(some)
        states = stored.decode(codec).rows.numpy()
    expected = []
    words = tiny_reader.model.embedder.word.weight.detach().double().numpy()
    for ordinal in some:
        for codes, ids, _, _ in parsed[ordinal].windows:
            if manifest["codec"] == "float16":
                expected.append(codes.astype(np.float64))
            elif manifest["codec"] == "int8":
                largest = codes[:, -2:].copy().view("<f2").astype(np.float64)
                expected.append(codes[:, :-2].view(np.int8) * np.maximum(largest, 1e-6) / 127)
            else:
                metadata, tensors = read_safetensors(changed_index / "codec.safetensors")
                described = json.loads(metadata["preread-codec-3"])
                assert described["fingerprint"] == manifest["fingerprint"]
                expected.append(decode(codes, ids, tensors, words))
    # Learned tables are rounded to float16 after they are multiplied out.
    np.testing.assert_allclose(states, np.concatenate(expected), rtol=4e-3, atol=8e-3)
    places = [w[2:] for ordinal in some for w in parsed[ordinal].windows]
    assert places == list(zip(stored.windows.n_prefix, stored.windows.first_token, strict=True))


def test_second_parser_finds_passages_by_identifier_and_text(changed_index: Path) -> None:
    manifest = read_sealed(changed_index / "manifest.json")
    found: dict[str, dict[int, list[int]]] = {"id": {}, "text": {}}
    for lookup in manifest["lookups"]:
        with h5py.File(changed_index / lookup["file"], "r") as file:
            for name, table in found.items():
                keys, ordinals = file[f"{name}_keys"][()], file[f"{name}_ordinals"][()]
                assert len(keys) == lookup["n"] and bool((keys[1:] >= keys[:-1]).all())
                for key, ordinal in zip(keys.tolist(), ordinals.tolist(), strict=True):
                    table.setdefault(key, []).append(ordinal)
    for shard in manifest["shards"]:
        for one in parse_shard(changed_index / shard["file"]):
            for name, table in found.items():
                hashed = hashlib.blake2b(one.strings[name].encode(), digest_size=8).digest()
                candidates = table.get(int.from_bytes(hashed, "little"), [])
                assert one.ordinal in candidates or manifest["deleted"] is None
