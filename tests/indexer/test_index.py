"""What goes into an index comes out again."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from preread.data import Passage, PrereadError
from preread.indexer import (
    IndexFormatError,
    IndexMismatchError,
    Manifest,
    PassageIndex,
    build_index,
    index_info,
    verify_index,
)
from preread.indexer.bm25.indexer import docid_of, ordinal_of
from preread.indexer.remote.copies import local_index
from preread.indexer.storage.json_files import read_sealed_json, write_sealed_json
from preread.reader import Reader


def test_passages_come_back_as_they_went_in(index: PassageIndex, passages: list[Passage]) -> None:
    assert [index.passage(i) for i in range(len(index))] == passages


def test_stored_states_are_the_lower_states_in_float16(
    index: PassageIndex, passages: list[Passage], tiny_reader: Reader
) -> None:
    chosen = [3, 0, 19, 3]
    stored = index.fetch(chosen)
    states, table = stored.decode(index.codec(tiny_reader)), stored.windows
    windows = tiny_reader.encoder.encode_passages(
        [passages[i].text for i in chosen], [passages[i].title for i in chosen]
    )
    flat = [w for of_passage in windows for w in of_passage]
    expected = tiny_reader.window_states(flat)
    assert table.lengths == expected.lengths
    assert table.passage == tuple(i for i, ws in enumerate(windows) for _ in ws)
    assert table.first_token == tuple(w.first_token for w in flat)
    assert table.n_prefix == tuple(w.n_prefix for w in flat)
    assert [tuple(ids.tolist()) for ids in table.token_ids] == [w.token_ids for w in flat]
    # Stored in float16 (11 bits of mantissa), computed in other batches: states are of order 1.
    torch.testing.assert_close(states.rows, expected.rows, rtol=1e-3, atol=1e-3)


def test_shards_that_are_mapped_keep_no_file_open(built: Path) -> None:
    """A large index has more shards than a process may open files."""
    with PassageIndex(built) as index:
        index.fetch(range(len(index)))
        links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
        targets = [os.readlink(link) for link in links if os.path.islink(link)]
    assert targets and not any("shard-" in target for target in targets)


def test_fetching_nothing_gives_nothing(index: PassageIndex) -> None:
    stored = index.fetch([])
    assert (len(stored.token_ids), stored.windows.lengths) == (0, ())


def test_ordinals_out_of_range_are_refused(index: PassageIndex) -> None:
    for ordinal in (-1, len(index), 1 << 40, 1 << 70):
        with pytest.raises(IndexError, match="no passage"):
            index.passage(ordinal)
        with pytest.raises(IndexFormatError, match="If a search found it, the BM25 index or the"):
            index.fetch([ordinal])


@pytest.mark.parametrize("docid", ["", "12", "p1-0", "-000000001", "99999999999", "9999999999"])
def test_an_identifier_of_lucene_that_is_no_ordinal_is_refused(docid: str) -> None:
    assert ordinal_of(docid_of(7)) == 7
    with pytest.raises(IndexFormatError, match="expected ten digits in the place of a passage's"):
        ordinal_of(docid)


def test_verify_accepts_an_untouched_index(built: Path) -> None:
    assert verify_index(built) == []


def test_info_adds_up(built: Path, passages: list[Passage]) -> None:
    info = index_info(built)
    assert info["n_passages"] == len(passages)
    assert info["n_shards"] == 3
    assert info["bytes_per_token"] >= 2 * info["hidden_size"]
    on_disk = sum(f.stat().st_size for f in built.rglob("*") if f.is_file())
    assert info["bytes_total"] == on_disk
    texts = sum(len((p.text + p.title + p.passage_id).encode()) for p in passages)
    assert info["bytes_text"] == texts


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    """An index to damage."""
    return Path(shutil.copytree(built, tmp_path / "copy"))


def test_truncated_shard_is_an_error_that_names_it(copy: Path) -> None:
    shard = copy / "states" / "shard-00001.h5"
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(IndexFormatError, match="shard-00001.h5: expected a file of"):
        PassageIndex(copy)


def test_missing_shard_is_an_error_that_names_it(copy: Path) -> None:
    (copy / "states" / "shard-00002.h5").unlink()
    with pytest.raises(IndexFormatError, match="shard-00002.h5: .* found nothing"):
        PassageIndex(copy)


def test_verify_finds_a_changed_byte(copy: Path) -> None:
    shard = copy / "states" / "shard-00000.h5"
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    assert any("shard-00000.h5" in fault for fault in verify_index(copy))


def test_verify_finds_a_damaged_bm25_index(copy: Path) -> None:
    largest = max((copy / "lucene-000000").iterdir(), key=lambda f: f.stat().st_size)
    data = bytearray(largest.read_bytes())
    data[len(data) // 2] ^= 1
    largest.write_bytes(data)
    assert any("lucene" in fault for fault in verify_index(copy))


def test_verify_finds_a_missing_bm25_index(copy: Path) -> None:
    shutil.rmtree(copy / "lucene-000000")
    assert any("lucene" in fault for fault in verify_index(copy))


def test_unfinished_index_says_how_to_go_on(copy: Path) -> None:
    (copy / "manifest.json").unlink()
    with pytest.raises(IndexFormatError, match="--resume"):
        PassageIndex(copy)


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (PassageIndex, "index: expected a path, found"),
        (local_index, "index: expected a path or a URL, found"),
        (lambda it: build_index(it, "i", it), "corpus: expected a path, found"),
        (lambda it: build_index("c", it, it), "index: expected a path, found"),
        (lambda it: build_index("c", "i", it), "reader: expected a Reader, found"),
    ],
)
def test_what_is_no_path_and_no_reader_is_refused(work: Callable[[Any], Any], said: str) -> None:
    for it in (None, 3, b"default"):
        with pytest.raises(PrereadError, match=said):
            work(it)


def test_a_closed_index_says_that_it_is_closed(built: Path) -> None:
    index = PassageIndex(built)
    held = index.bm25
    index.close()
    for work in (
        lambda: held.search("river", 3),
        lambda: held.search_many(["river", "boat"], 3, threads=1),
        lambda: index.bm25,
        lambda: index.passage(0),
        lambda: index.fetch([0]),
    ):
        with pytest.raises(PrereadError, match="the index is closed. Open it again"):
            work()


def test_no_index_says_how_to_build_one(tmp_path: Path) -> None:
    with pytest.raises(IndexFormatError, match="preread index"):
        PassageIndex(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("before", "after"),
    [('"format_version": 2', '"format_version": 3'), ('"n_tokens"', '"n_tukens"'), ("{", "")],
)
def test_changed_manifest_is_refused(copy: Path, before: str, after: str) -> None:
    path = copy / "manifest.json"
    path.write_text(path.read_text("utf-8").replace(before, after, 1), "utf-8")
    with pytest.raises(IndexFormatError, match="manifest.json"):
        Manifest.load(copy)


def test_index_of_another_format_version_is_refused(copy: Path) -> None:
    fields = read_sealed_json(copy / "manifest.json")
    write_sealed_json(copy / "manifest.json", {**fields, "format_version": 99})
    with pytest.raises(IndexFormatError, match="expected format version 2, found 99"):
        PassageIndex(copy)
    (copy / "manifest.json").write_text('{"format_version": 1}')  # which had no seal
    with pytest.raises(IndexFormatError, match="expected format version 2, found 1"):
        PassageIndex(copy)


def test_index_of_another_reader_is_refused(index: PassageIndex, tiny_reader: Reader) -> None:
    from copy import deepcopy

    model = deepcopy(tiny_reader.model)
    with torch.no_grad():
        model.get_parameter("layers.0.expand.weight")[0, 0] += 1e-3
    other = Reader(model, tiny_reader.tokenizer, name="other")
    with pytest.raises(IndexMismatchError, match="built with reader 'tiny'.*reader is 'other'"):
        index.check_reader(other)


def test_retrained_upper_layers_still_fit(index: PassageIndex, tiny_reader: Reader) -> None:
    from copy import deepcopy

    model = deepcopy(tiny_reader.model)
    with torch.no_grad():
        model.get_parameter("layers.3.expand.weight")[0, 0] += 1.0
        model.head.bias.add_(1.0)
    index.check_reader(Reader(model, tiny_reader.tokenizer, name="retrained"))
