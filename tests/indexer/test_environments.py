"""Indexes in surroundings that are not made for them: forks, copies, other folders, no locks."""

import copy
import errno
import fcntl
import multiprocessing
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest
from preread.data import PrereadError
from preread.indexer import (
    IndexFormatError,
    Manifest,
    PassageIndex,
    add_passages,
    build_index,
    delete_passages,
    verify_index,
)
from preread.indexer.errors import IndexAccessError
from preread.indexer.storage.snapshots import Lease
from preread.reader import Reader

QUERY = "volcano on Sicily"


def in_child(work: Callable[[], object]) -> str:
    """What work gives in a forked process, or the sentence that it fails with; never a hang."""
    receiver, sender = multiprocessing.Pipe(duplex=False)

    def run() -> None:
        try:
            sender.send(str(work()))
        except BaseException as error:
            sender.send(f"{type(error).__name__}: {error}")

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    try:
        assert receiver.poll(60), "the child hangs"
        return str(receiver.recv())
    finally:
        process.kill()
        process.join()


def test_a_forked_process_is_told_to_open_the_index_itself(built: Path) -> None:
    index = PassageIndex(built)
    assert index.bm25.search(QUERY, 2)
    ordinal = int(index.ordinals()[0])
    for work in (
        lambda: index.bm25.search(QUERY, 2),
        lambda: index.fetch([ordinal]),
        lambda: PassageIndex(built).bm25.search(QUERY, 2),
    ):
        said = in_child(work)
        assert said.startswith("PrereadError: ") and f"in process {os.getpid()}" in said
        assert "spawn" in said
    assert index.bm25.search(QUERY, 2), "the parent goes on"


def _searched(index: PassageIndex) -> list[int]:
    return [hit.ordinal for hit in index.bm25.search(QUERY, 3)]


@pytest.mark.slow
def test_a_copy_opens_the_index_again(built: Path) -> None:
    index = PassageIndex(built)
    expected = _searched(index)
    for other in (pickle.loads(pickle.dumps(index)), copy.deepcopy(index), copy.copy(index)):
        assert _searched(other) == expected and other.passage(3) == index.passage(3)
        other.close()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_searched, (index,)) == expected
    assert _searched(index) == expected


def test_a_lease_is_not_copied_and_keeps_its_file(built: Path) -> None:
    lease = Lease(built)
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(PrereadError, match="cannot be copied or pickled"):
            copied(lease)
    assert lease._file is not None
    os.fstat(lease._file.fileno())  # it is open still
    lease.release()


def test_an_index_opened_by_a_relative_path_stays_where_it_was(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(built.parent)
    for path in (built.name, Path(built.name)):
        index = PassageIndex(path)
        monkeypatch.chdir(tmp_path)
        assert index.passage(0) and index.fetch([0]).codes.shape[0] and _searched(index)
        monkeypatch.chdir(built.parent)


@pytest.fixture
def copied(built: Path, tmp_path: Path) -> Path:
    """An index of the test's own."""
    return Path(shutil.copytree(built, tmp_path / "index"))


def test_a_file_system_without_locks_can_be_read_and_not_written(
    copied: Path, tiny_reader: Reader, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    index = PassageIndex(copied)
    assert index.find("p1-0") == [0] and _searched(index)
    assert verify_index(copied) == []
    with pytest.raises(PrereadError, match=r"expected a file system with locks \(flock\)"):
        add_passages(copied, corpus, tiny_reader)


def test_files_of_hdf5_are_opened_without_locks(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another program holds an exclusive lock on them."""
    files = [*copied.rglob("*.h5")]
    opened = [path.open("rb") for path in files]
    for file in opened:
        fcntl.flock(file, fcntl.LOCK_EX)
    with pytest.raises(OSError, match="lock"), h5py.File(files[0], "r", locking=True):
        pass
    index = PassageIndex(copied)
    assert index.find("p1-0") == [0] and index.fetch([0]).codes.shape[0]
    for file in opened:
        file.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed to be refused a file")
def test_a_file_that_may_not_be_read_is_not_called_damaged(copied: Path) -> None:
    """As a user without root's rights, in a process of its own."""

    def opened_without(name: str) -> str:
        def work() -> object:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            index = PassageIndex(copied)
            return index.find("p1-0"), index.fetch([0])

        path = copied / name
        mode = path.stat().st_mode
        path.chmod(0)
        try:
            return in_child(work)
        finally:
            path.chmod(mode)

    for folder in (copied, *copied.parents):
        if folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o755)
    manifest = Manifest.load(copied)
    for name in (
        "manifest.json",
        "snapshots/000000.json",
        manifest.shards[0].file,
        manifest.lookups[0].file,
    ):
        said = opened_without(name)
        refused = f"IndexAccessError: {copied / name}: cannot be read: Permission denied. Permit "
        assert said.startswith(refused), said
    for part in ("states", "snapshots", "."):
        said = opened_without(part)
        assert said.startswith(f"IndexAccessError: {copied / part}: cannot be read: Permission den")


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed to be refused a folder")
def test_faults_of_a_folder_that_may_not_be_listed_are_its_own(copied: Path) -> None:
    for folder in (copied, *copied.parents):
        if folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o755)
    (copied / "states").chmod(0)

    def work() -> object:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        return verify_index(copied)

    said = in_child(work)
    assert "states: cannot be read: Permission denied" in said and "found nothing" not in said


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed to be refused a folder")
def test_a_corpus_that_may_not_be_read_is_not_blamed_on_the_index(
    tmp_path: Path, tiny_reader: Reader
) -> None:
    folder, target = tmp_path / "corpus", tmp_path / "out" / "index"
    folder.mkdir(mode=0o704)
    (folder / "a.txt").write_text("Etna is a volcano on Sicily.")
    target.parent.mkdir()
    target.parent.chmod(0o777)
    for place in tmp_path.parents:
        if place != Path("/"):
            place.chmod(place.stat().st_mode | 0o755)
    tmp_path.chmod(0o755)

    def work() -> object:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        return build_index(folder, target, tiny_reader)

    said = in_child(work)
    assert said.startswith(f"DataError: {folder}"), said
    assert "cannot be read: Permission denied. Permit" in said


def test_a_missing_shard_is_missing(copied: Path) -> None:
    index = PassageIndex(copied)
    path = copied / index.manifest.shards[0].file
    path.unlink()
    with pytest.raises(IndexAccessError, match="No such file or directory. Restore it"):
        index.passage(0)
    with pytest.raises(IndexFormatError, match="expected a file of .* found nothing"):
        PassageIndex(copied)


def test_what_a_killed_change_leaves_is_no_fault(copied: Path) -> None:
    manifest = Manifest.load(copied)
    (copied / "states" / f"shard-{manifest.next_shard:05d}.h5.tmp").write_bytes(b"half")
    (copied / "states" / f"shard-{manifest.next_shard:05d}.h5").write_bytes(b"whole")
    (copied / "lookup" / "lookup-000001.h5.rows").write_bytes(b"rows")
    (copied / "lucene-000001").mkdir()
    (copied / "snapshots" / "000001.json.tmp").write_text("{")
    assert verify_index(copied) == []
    (copied / "states" / "shard-00000-copy.h5").write_bytes(b"?")
    assert [fault.endswith("is not in the manifest.") for fault in verify_index(copied)] == [True]


def test_a_generation_is_verified_while_others_follow(copied: Path) -> None:
    """What was checked first stays whole, though a writer has gone on."""
    seen: list[int] = []

    def change(n_bytes: int) -> None:
        if not seen:
            seen.append(n_bytes)
            delete_passages(copied, ["p1-0"])

    assert verify_index(copied, change) == []
    assert Manifest.load(copied).generation == 1 and verify_index(copied) == []
