"""Refusals of the operating system: said as themselves, with their path."""

import errno
import gzip
import os
from pathlib import Path

import pytest
from preread.data import DataError, read_corpus, read_questions
from preread.data.io.atomic import atomic_path
from preread.data.io.system_errors import can_open, reason_of, refusal_in, words_of


def test_a_refusal_is_found_in_the_words_of_a_library() -> None:
    said = RuntimeError("unable to open file <x> in read-only mode: Too many open files (24)")
    refusal = refusal_in(said)
    assert refusal is not None and refusal.errno == errno.EMFILE
    assert "files open at a time" in words_of(said) and "ulimit -n" in words_of(said)
    for other in (
        ValueError("bad header"),
        FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)),
    ):
        assert refusal_in(other) is None
    assert words_of(ValueError("bad header")) == "bad header"


def test_a_reason_says_what_to_do() -> None:
    denied = PermissionError(errno.EACCES, os.strerror(errno.EACCES), "x")
    assert reason_of(denied).startswith("Permission denied. Permit this user")
    assert reason_of(OSError("odd")) == "odd."


def test_open_files_are_counted() -> None:
    assert can_open(3) and not can_open(10_000_000)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a file that cannot be read")
def test_a_corpus_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "memory.jsonl"
    path.symlink_to("/proc/self/mem")
    for read in (read_corpus, read_questions):
        with pytest.raises(DataError, match=r"memory.jsonl: cannot be \w+: Input/output error"):
            list(read(path))


def test_an_output_that_fills_the_disk_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as raised, atomic_path(tmp_path / "out"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert raised.value.filename == str(tmp_path / "out")
    with pytest.raises(gzip.BadGzipFile), atomic_path(tmp_path / "out"):
        raise gzip.BadGzipFile("not an error of writing")


def test_an_output_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none" / "out"
    with pytest.raises(FileNotFoundError) as raised, atomic_path(path):
        raise AssertionError
    assert raised.value.filename == str(path)


def test_no_file_takes_the_place_of_a_device() -> None:
    with pytest.raises(DataError, match="/dev/null: expected a file or nothing there"):
        with atomic_path(Path("/dev/null")):
            raise AssertionError
    assert Path("/dev/null").is_char_device()
