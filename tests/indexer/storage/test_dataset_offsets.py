"""Opening a shard by the places at its beginning, and only by them."""

import shutil
from pathlib import Path

import h5py
import pytest
from preread.indexer import IndexFormatError, PassageIndex, ShardReader
from preread.indexer.storage.dataset_offsets import USER_BLOCK


def _first_shard(index: Path) -> Path:
    with PassageIndex(index) as opened:
        return index / opened.manifest.shards[0].file


def test_shard_without_places_is_refused(built: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain.h5"
    with h5py.File(_first_shard(built)) as file, h5py.File(plain, "w") as copy:
        for name, dataset in file.items():
            copy.create_dataset(name, data=dataset[()])
    assert plain.read_bytes()[:1] != b"{"
    with pytest.raises(IndexFormatError, match="its user block does not say where"):
        ShardReader(plain)


def test_places_that_are_damaged_are_refused(built: Path, tmp_path: Path) -> None:
    path = tmp_path / "shard.h5"
    whole = _first_shard(built).read_bytes()
    told = whole[:USER_BLOCK].rstrip(b"\0")
    assert len(told) > 500
    for place in (*range(9), *range(9, len(told) - 9, 7), *range(len(told) - 9, len(told))):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(IndexFormatError, match="not a shard of an index"):
            ShardReader(path)


def test_file_that_ends_before_its_places_is_refused(built: Path, tmp_path: Path) -> None:
    whole = _first_shard(built).read_bytes()
    for n_bytes in (0, 1, USER_BLOCK // 2, USER_BLOCK, len(whole) // 2):
        path = tmp_path / f"{n_bytes}.h5"
        path.write_bytes(whole[:n_bytes])
        with pytest.raises(IndexFormatError, match="not a shard of an index"):
            ShardReader(path)


def test_number_of_windows_that_is_damaged_is_said_to_be(built: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    shutil.copytree(built, index)
    path = _first_shard(index)
    for column in ("passage_n_windows", "window_lengths"):
        whole = path.read_bytes()
        with h5py.File(path) as file:
            place = file[column].id.get_offset()
        width = 4 if column == "passage_n_windows" else 2
        damaged = whole[: place + width - 1] + b"\x7f" + whole[place + width :]
        path.write_bytes(damaged)
        for ordinal in (0, 1, 2):
            with PassageIndex(index) as opened, pytest.raises(IndexFormatError, match="damaged"):
                opened.fetch([ordinal])
        path.write_bytes(whole)
