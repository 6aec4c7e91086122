"""Metadata files."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from preread.data import PrereadError
from preread.indexer import IndexFormatError
from preread.indexer.storage import metadata
from preread.indexer.storage.metadata import (
    PASSAGES_PER_BLOCK,
    MetadataFile,
    MetadataWriter,
    newest,
    write_metadata,
)

values = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
    st.integers(),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(st.text("ab", max_size=3), max_size=3),
)
rows = st.dictionaries(st.text("ab_", min_size=1, max_size=4), values, max_size=4)


@given(st.dictionaries(st.integers(0, 2**32 - 1), rows, min_size=1, max_size=9))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, written: dict[int, dict[str, object]]
) -> None:
    folder = tmp_path_factory.mktemp("metadata")
    (entry,) = write_metadata(folder, written, 3)  # type: ignore[arg-type]
    entry.check(folder)
    file = MetadataFile(folder / entry.file)
    assert entry.n == len(written) and dict(file) == written
    assert all(file.get(ordinal) == fields for ordinal, fields in written.items())
    assert file.get(next(n for n in range(10) if n not in written)) is None


def test_the_newest_file_tells(tmp_path: Path) -> None:
    n = 3 * PASSAGES_PER_BLOCK + 1
    (old,) = write_metadata(tmp_path, {o: {"page": o} for o in range(n)}, 0)
    (new,) = write_metadata(tmp_path, {n - 1: {"page": 0}, n: {}}, 1)
    found = newest([MetadataFile(tmp_path / file.file) for file in (old, new)])
    assert list(found) == [*range(n + 1)]
    assert (found[n - 2], found[n - 1], found[n]) == ({"page": n - 2}, {"page": 0}, {})
    assert write_metadata(tmp_path, {}, 2) == ()


def test_changed_bytes_are_noticed(tmp_path: Path) -> None:
    (entry,) = write_metadata(tmp_path, {1: {"page": 7}}, 0)
    path = tmp_path / entry.file
    content = np.fromfile(path, np.uint8)
    block = bytes(MetadataFile(path)._blocks)
    place = content.tobytes().index(block) + len(block) // 2
    content[place] ^= 1
    content.tofile(path)
    with pytest.raises(IndexFormatError, match="metadata-000000.h5: not a metadata file, or its"):
        MetadataFile(path).get(1)
    path.write_bytes(b"nothing")
    with pytest.raises(IndexFormatError, match="not a metadata file"):
        MetadataFile(path)


@pytest.mark.parametrize("value", [{"a": 1}, [1], [["a"]], None, float("nan"), "\\ud800"], ids=repr)
def test_values_that_no_field_has_are_refused(tmp_path: Path, value: object) -> None:
    """Filters compare values, and replies show them: others ended both in errors of Python."""
    block = f'[{{"a": {json.dumps(value)}}}]'.replace("\\\\", "\\")
    writer = MetadataWriter()
    writer.add(1, {})
    writer._end_block()
    writer._blocks = [zlib.compress(block.encode())]
    entry = writer.write(tmp_path, 0)
    assert entry is not None
    with pytest.raises(IndexFormatError, match="expected texts, numbers, truth values and lists"):
        MetadataFile(tmp_path / entry.file).get(1)


def test_fields_that_could_not_be_read_are_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "MAX_JSON_BYTES", 1 << 20)
    with pytest.raises(PrereadError, match="expected at most 1 MiB of fields .* found 2 MiB"):
        write_metadata(tmp_path, {1: {"a": "x" * (2 << 20)}}, 0)
