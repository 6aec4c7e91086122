"""Checksums of files of any length."""

import hashlib
from pathlib import Path

import pytest
from preread.data.io.hashing import sha256_of


@pytest.mark.parametrize("n_bytes", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_a_file_is_hashed_to_its_end(tmp_path: Path, n_bytes: int) -> None:
    path = tmp_path / "file"
    content = bytes(range(256)) * (n_bytes // 256 + 1)
    path.write_bytes(content[:n_bytes])
    wanted = hashlib.sha256(content[:n_bytes]).hexdigest()
    assert sha256_of(path) == sha256_of(path, show_progress=True) == wanted


def test_a_file_that_is_not_there_has_no_checksum(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sha256_of(tmp_path / "nowhere")
