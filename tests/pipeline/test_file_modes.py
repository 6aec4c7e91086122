"""Every file that is written has the permissions that the umask says."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from preread.data.sample import sample_corpus_path
from preread.pipeline.conversion import convert
from preread.reader import Reader
from preread.reader.training.trainer import publish
from safetensors.torch import save_file

Preread = Callable[..., Any]


@pytest.fixture(params=[0o022, 0o027, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """Another umask for one test."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(folder: Path) -> set[int]:
    """Permissions of all files below a folder."""
    return {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}


def test_an_index_with_a_learned_codec(
    umask: int,
    preread: Preread,
    tiny_reader_path: Path,
    tiny_codec_path: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    """What `learn-codec` itself writes, a test of that command looks at."""
    index, codec = tmp_path / "index", tiny_codec_path("rpq4")
    built = preread(
        "index", sample_corpus_path(), index, "--reader", tiny_reader_path, "--codec", codec,
        "--workers", 1, "--limit", 20,
    )  # fmt: skip
    assert built.code == 0, built.err
    assert modes(index) == {0o666 & ~umask}


def test_a_reader_that_was_trained_or_converted(
    umask: int, tiny_reader: Reader, tiny_reader_path: Path, tmp_path: Path
) -> None:
    staging = tmp_path / "unfinished"
    staging.mkdir()
    save_file(dict(tiny_reader.model.state_dict()), staging / "model.safetensors")
    publish(staging, tmp_path / "trained")
    convert(str(tiny_reader_path), tmp_path / "converted", num_lower_layers=1)
    tiny_reader.model.save_pretrained(tmp_path / "saved")
    for folder in (tmp_path / "trained", tmp_path / "converted", tmp_path / "saved"):
        assert modes(folder) == {0o666 & ~umask}
