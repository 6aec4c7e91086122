"""Bytes that change are found: by `verify` always, by reading where it is documented."""

import random
import shutil
from pathlib import Path

import pytest
import torch
from preread.data import Passage, PrereadError
from preread.indexer import PassageIndex, delete_passages, verify_index
from preread.reader import Reader


@pytest.fixture(scope="module")
def changed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with deleted passages, so that it has every kind of file but a codec."""
    copy = tmp_path_factory.mktemp("damage") / "index"
    shutil.copytree(built, copy)
    delete_passages(copy, ["p1-0", "p4-2"])
    return copy


def read_all(index: Path, reader: Reader) -> tuple[list[Passage], list[torch.Tensor]]:
    """Every passage and its states."""
    with PassageIndex(index) as opened:
        codec = opened.codec(reader)
        ordinals = opened.ordinals().tolist()
        passages = [opened.passage(ordinal) for ordinal in ordinals]
        states = [opened.fetch([ordinal]).decode(codec).rows for ordinal in ordinals]
    return passages, states


@pytest.mark.slow
def test_every_changed_byte_is_reported_and_none_is_read_as_if_it_were_right(
    changed: Path, tiny_reader: Reader
) -> None:
    passages, states = read_all(changed, tiny_reader)
    files = sorted(f for f in changed.rglob("*") if f.is_file() and f.stat().st_size)
    draw = random.Random(0)
    n_refused = 0
    for trial in range(120):
        file = files[trial % len(files)]
        data = bytearray(file.read_bytes())
        place = draw.randrange(len(data))
        before = bytes(data)
        data[place] ^= 1 << draw.randrange(8)
        file.write_bytes(data)
        try:
            assert _is_reported(changed), f"{file.name}: byte {place} was not reported"
            found = read_all(changed, tiny_reader)
        except (PrereadError, IndexError):  # where an ordinal is another number, it is not found
            n_refused += 1
        else:
            same = all(torch.equal(a, b) for a, b in zip(found[1], states, strict=True))
            assert found[0] == passages and same, f"{file.name}: byte {place} was read as right"
        finally:
            file.write_bytes(before)
    assert n_refused > 5
    assert verify_index(changed) == []


def _is_reported(index: Path) -> bool:
    try:
        return bool(verify_index(index))
    except PrereadError:
        return True
