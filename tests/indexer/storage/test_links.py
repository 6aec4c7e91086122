"""Links in an index folder, and names that can be foreseen: neither leads out of it."""

import os
import shutil
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from preread.data import PrereadError
from preread.data.io.atomic import atomic_path
from preread.indexer import (
    AddConfig,
    IndexConfig,
    IndexFormatError,
    PassageIndex,
    add_passages,
    build_index,
    compact_index,
    delete_passages,
    index_info,
    split_index,
    verify_index,
)
from preread.indexer.dense import SentenceEncoder, build_dense
from preread.reader import Reader


@pytest.fixture
def index(built: Path, tmp_path: Path) -> Path:
    """An index to put links into."""
    return Path(shutil.copytree(built, tmp_path / "index"))


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A folder outside of the index, with files that have names of ours."""
    folder = tmp_path / "precious"
    folder.mkdir()
    names = ("thesis.txt", "vectors-000009.faiss", "shard-00099.h5", "_0.cfs", "000009.json")
    for name in names:
        (folder / name).write_text(name)
    return folder


def content(folder: Path) -> dict[str, str]:
    """All files of a folder."""
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_folder_in_the_place_of_a_file_is_named(index: Path) -> None:
    name = "snapshots/000000.json"
    (index / name).unlink()
    (index / name).mkdir()
    with pytest.raises(IndexFormatError, match=f"{name}: expected a regular file, found a folder"):
        PassageIndex(index)


@pytest.mark.parametrize(
    "name", ["dense", "states", "lookup", "metadata", "snapshots", "lucene-000000"]
)
@pytest.mark.parametrize("is_moved", [False, True], ids=["elsewhere", "moved"])
def test_a_folder_that_is_a_link_is_refused_and_nothing_is_deleted(
    index: Path, precious: Path, name: str, is_moved: bool
) -> None:
    """Also where the folder that it leads to has all the files."""
    if (index / name).exists() and is_moved:
        shutil.move(index / name, precious / name)
        (index / name).symlink_to(precious / name)
    else:
        shutil.rmtree(index / name, ignore_errors=True)
        (index / name).symlink_to(precious)
    before = sorted(precious.rglob("*"))
    for work in (
        PassageIndex,
        verify_index,
        index_info,
        compact_index,
        lambda path: delete_passages(path, ["p1-0"]),
    ):
        with pytest.raises(IndexFormatError, match=f"{name}: expected a folder, found a symbolic"):
            work(index)
    assert sorted(precious.rglob("*")) == before


@pytest.mark.parametrize(
    "name", ["dense/vectors-000009.faiss", "lucene-000009", "deleted-000009.npy"]
)
def test_of_a_link_that_is_not_needed_only_the_link_is_removed(
    index: Path, precious: Path, name: str
) -> None:
    (index / "dense").mkdir()
    (index / name).symlink_to(precious)
    delete_passages(index, ["p1-0"])
    assert not (index / name).is_symlink()
    assert len(content(precious)) == 5
    assert verify_index(index) == []


@pytest.mark.parametrize(
    "name",
    [
        "states/thesis.txt",
        "states/shard-00099.h5.bak",
        "lookup/notes",
        "lucene-notes/thesis.txt",
        "lucene-000009/thesis.txt",
        "deleted-mails.npy",
        "snapshots/notes.json",
        "codec.safetensors.old",
        "notes.tmp",
    ],
)
def test_only_files_with_our_names_are_deleted(index: Path, name: str) -> None:
    (index / name).parent.mkdir(exist_ok=True)
    (index / name).write_text("mine")
    delete_passages(index, ["p1-0"])
    compact_index(index)
    assert (index / name).read_text() == "mine"


def test_what_killed_writers_left_is_deleted(index: Path) -> None:
    left = [
        "states/shard-00009.h5.0123456789abcdef.tmp",
        "states/reader.0123456789abcdef.tmp",
        "lookup/lookup-000009.h5.0123456789abcdef.tmp.rows",
        "manifest.json.0123456789abcdef.tmp",
        "snapshots/000009.json.0123456789abcdef.tmp",
        "build-shards.jsonl.0123456789abcdef.tmp",
    ]
    for name in left:
        (index / name).write_text("half")
    for name in ("lucene-000009", "lucene-000009.0123456789abcdef.tmp"):
        (index / name).mkdir()
        for file in ("_0.cfs", "segments_1", "pending_segments_2", "write.lock", "files.json"):
            (index / name / file).write_text("half")
        left.append(name)
    assert verify_index(index) == []
    delete_passages(index, ["p1-0"])
    assert not [name for name in left if (index / name).exists()]


@pytest.mark.parametrize("file", ["states/shard-00001.h5", "lookup/lookup-000000.h5"])
def test_a_file_that_is_a_link_is_refused(index: Path, tmp_path: Path, file: str) -> None:
    shutil.move(index / file, tmp_path / "moved")
    (index / file).symlink_to(tmp_path / "moved")
    with pytest.raises(
        IndexFormatError, match=f"{file}: expected a regular file, found a symbolic"
    ):
        PassageIndex(index)
    with pytest.raises(
        IndexFormatError, match=f"{file}: expected a regular file, found a symbolic"
    ):
        split_index(index, tmp_path / "parts", 2)


@pytest.mark.parametrize("name", ["manifest.json", "snapshots/000000.json"])
def test_a_manifest_that_is_a_link_is_refused(index: Path, tmp_path: Path, name: str) -> None:
    shutil.move(index / name, tmp_path / "moved")
    (index / name).symlink_to(tmp_path / "moved")
    with pytest.raises(IndexFormatError, match="expected a regular file, found a symbolic link"):
        PassageIndex(index)


def within(seconds: float, work: Callable[[], object]) -> None:
    """Do something in a thread; fail where it hangs."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except PrereadError:
            pass
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "it hangs"
    assert not failed, failed


@pytest.mark.parametrize(
    "name",
    ["manifest.json", "snapshots/000000.json", "write.lock", "states/shard-00000.h5", "build.json"],
)
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(
    index: Path, corpus: Path, tiny_reader: Reader, name: str
) -> None:
    (index / name).unlink(missing_ok=True)
    os.mkfifo(index / name)
    within(60, lambda: PassageIndex(index).fetch([0]))
    within(60, lambda: verify_index(index))
    within(60, lambda: delete_passages(index, ["p1-0"]))
    within(60, lambda: add_passages(index, corpus, tiny_reader, AddConfig(workers=1), resume=True))


def test_the_lock_of_a_writer_is_no_link(index: Path, tmp_path: Path) -> None:
    (index / "write.lock").unlink(missing_ok=True)
    (index / "write.lock").symlink_to(tmp_path / "made")
    with pytest.raises(PrereadError, match="cannot be written"):
        delete_passages(index, ["p1-0"])
    assert not (tmp_path / "made").exists()


@pytest.mark.slow
def test_a_build_writes_through_no_link_that_was_put_there_before(
    corpus: Path, tiny_reader: Reader, tmp_path: Path
) -> None:
    """Names that builds once gave their temporary files."""
    victim = tmp_path / "victim"
    index = tmp_path / "index"
    (index / "states").mkdir(parents=True)
    (index / "lookup").mkdir()
    (index / "snapshots").mkdir()
    (index / "build.json.tmp").symlink_to(victim)
    for name in (
        "states/reader.tmp",
        "states/shard-00000.h5.tmp",
        "lookup/lookup-000000.h5.tmp",
        "lookup/lookup-000000.h5.tmp.rows",
        "snapshots/000000.json.tmp",
        "manifest.json.tmp",
        "build-shards.jsonl",
    ):
        victim.write_text("precious")
        (index / name).symlink_to(victim)
    config = IndexConfig(passages_per_shard=7, workers=2)
    with pytest.raises(PrereadError, match="other files"):
        build_index(corpus, index, tiny_reader, config)
    (index / "build.json").write_text("{}")
    with pytest.raises(PrereadError, match="symbolic link|was begun there"):
        build_index(corpus, index, tiny_reader, config, resume=True)
    assert victim.read_text() == "precious"


def test_a_journal_is_not_written_through_a_link(
    corpus: Path, tiny_reader: Reader, config: IndexConfig, tmp_path: Path
) -> None:
    victim, index = tmp_path / "victim", tmp_path / "index"
    index.mkdir()
    (index / "build.json.0123456789abcdef.tmp").write_text("")
    (index / "build-shards.jsonl").symlink_to(victim)
    with pytest.raises(PrereadError):
        build_index(corpus, index, tiny_reader, config)
    assert not victim.exists()


def test_vectors_are_made_through_no_link(
    index: Path, precious: Path, tiny_encoder: SentenceEncoder
) -> None:
    (index / "dense-work").symlink_to(precious)
    before = content(precious)
    with pytest.raises(IndexFormatError, match="dense-work: expected a folder, found a symbolic"):
        build_dense(index, tiny_encoder)
    assert content(precious) == before
    (index / "dense-work").unlink()
    (index / "dense-work").mkdir()
    (index / "dense-work" / "thesis.txt").write_text("mine")
    build_dense(index, tiny_encoder)
    assert (index / "dense-work" / "thesis.txt").read_text() == "mine"


def test_an_index_may_itself_be_named_by_a_link(index: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(index)
    delete_passages(tmp_path / "link", ["p1-0"])
    assert verify_index(tmp_path / "link") == []


def test_temporary_files_have_names_that_nobody_foresees(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "file"
    victim.write_text("precious")
    (tmp_path / "file.tmp").symlink_to(victim)
    path.symlink_to(victim)
    names = set()
    for _ in range(2):
        with atomic_path(path) as temporary:
            names.add(temporary.name)
            assert temporary.parent == tmp_path
            assert stat.S_IMODE(temporary.stat().st_mode) == 0o666 & ~_umask()
            temporary.write_text("new")
    assert len(names) == 2 and all(name.endswith(".tmp") for name in names)
    assert victim.read_text() == "precious"
    assert path.read_text() == "new" and not path.is_symlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
