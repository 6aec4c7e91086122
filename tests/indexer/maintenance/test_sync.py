"""Keeping an index in step with a folder: after every edit it is one built afresh of the folder."""

import errno
import os
import random
import shutil
import signal
from collections.abc import Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest
import torch
from preread.data import DataError, OnError, Passage, PrereadError, read_corpus
from preread.data.io.folders import find_files
from preread.indexer import (
    AddConfig,
    IndexConfig,
    PassageIndex,
    add_passages,
    build_index,
    compact_index,
    delete_passages,
    merge_indexes,
    split_index,
    stored_documents,
    sync_folder,
    verify_index,
    watch_folder,
)
from preread.reader import Reader

WORDS = ("river", "volcano", "Japan", "Etna", "capital", "mountain", "Sicily", "town", "night")
QUERIES = ("river volcano", "capital of Japan", "Etna Sicily mountain", "night")
CONFIG = IndexConfig(passages_per_shard=4, workers=1)
N_EDITS = int(os.environ.get("PREREAD_SYNC_EDITS", "8"))
"""Random edits of a folder; 200 take some minutes."""


class Edits:
    """Random edits of a folder of documents."""

    def __init__(self, folder: Path, seed: int) -> None:
        """Begin with three documents."""
        self.folder = folder
        self._draw = random.Random(seed)
        self._n_made = 0
        for _ in range(3):
            self._make()

    def edit(self) -> str:
        """Change something, and say what."""
        kinds = ["make", "grow", "rewrite", "touch", "insert", "rename", "copy", "remove", "empty"]
        kind = self._draw.choice(kinds)
        files = [path for path in sorted(self.folder.rglob("*.md")) if path.stat().st_size]
        path = self._draw.choice(files)
        if kind == "make" or (len(files) < 3 and kind in ("remove", "empty")):
            self._make()
        elif kind == "grow":
            path.write_text(path.read_text() + "\n\n" + self._section())
        elif kind == "rewrite":
            path.write_text(self._text())
        elif kind == "touch":
            path.write_text(path.read_text())
        elif kind == "insert":
            path.write_text("\n\n" + path.read_text())
        elif kind == "rename":
            path.rename(path.with_name(f"renamed-{self._number()}.md"))
        elif kind == "copy":
            shutil.copyfile(path, path.with_name(f"copy-{self._number()}.md"))
        else:
            path.unlink() if kind == "remove" else path.write_text("")
        return f"{kind} {path.name}"

    def _number(self) -> int:
        self._n_made += 1
        return self._n_made

    def _make(self) -> None:
        place = self.folder / self._draw.choice([".", "sub"])
        place.mkdir(exist_ok=True)
        (place / f"{self._number()}.md").write_text(self._text())

    def _text(self) -> str:
        return "\n\n".join(self._section() for _ in range(self._draw.randint(1, 3)))

    def _section(self) -> str:
        words = self._draw.choices(WORDS, k=self._draw.randint(3, 60))
        return f"# {self._draw.choice(WORDS)}\n\n{' '.join(words)}."


def holds(index: PassageIndex) -> list[Passage]:
    """All passages, by identifier."""
    return sorted(map(index.passage, index.ordinals().tolist()), key=lambda p: p.passage_id)


def found(index: PassageIndex, query: str) -> list[tuple[float, str]]:
    """Scores and identifiers that BM25 gives; equal scores in the order of identifiers.

    Anserini takes a millionth off where it breaks a tie, by the order of the passages.
    """
    hits = index.bm25.search(query, 1000)
    return sorted((-round(hit.score, 4), index.passage(hit.ordinal).passage_id) for hit in hits)


def assert_in_step(index: Path, folder: Path, reader: Reader, fresh: Path) -> None:
    """Compare an index with one built afresh: passages, metadata, hits, scores, states."""
    shutil.rmtree(fresh, ignore_errors=True)
    build_index(folder, fresh, reader, CONFIG)
    with PassageIndex(index) as ours, PassageIndex(fresh) as theirs:
        passages = holds(ours)
        assert passages == holds(theirs) == sorted(read_corpus(folder), key=lambda p: p.passage_id)
        for query in QUERIES:
            assert found(ours, query) == found(theirs, query)
        states = [
            one.fetch([ordinal for p in passages for ordinal in one.find(p.passage_id)])
            for one in (ours, theirs)
        ]
        assert states[0].windows == states[1].windows
        assert torch.equal(states[0].token_ids.rows, states[1].token_ids.rows)
        # States computed in other batches: float16 rounds what differs in the last bit.
        torch.testing.assert_close(states[0].codes, states[1].codes, rtol=1e-3, atol=1e-3)
    assert verify_index(index) == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three documents."""
    path = tmp_path / "folder"
    path.mkdir()
    (path / "a.md").write_text("# Rivers\n\nThe Tiber is a river.\n")
    (path / "b.md").write_text("# Volcanoes\n\nEtna is a volcano on Sicily.\n")
    (path / "c.txt").write_text("Tokyo is the capital of Japan.\n")
    return path


@pytest.fixture
def index(folder: Path, tiny_reader: Reader, tmp_path: Path) -> Path:
    """An index of them."""
    build_index(folder, tmp_path / "index", tiny_reader, CONFIG)
    return tmp_path / "index"


def names_of(index: Path) -> list[str]:
    """Identifiers of all passages."""
    with PassageIndex(index) as opened:
        return [passage.passage_id for passage in holds(opened)]


@pytest.mark.slow
def test_after_every_edit_the_index_is_one_built_afresh(
    tiny_reader: Reader, tmp_path: Path
) -> None:
    folder, index = tmp_path / "folder", tmp_path / "index"
    folder.mkdir()
    edits = Edits(folder, seed=0)
    build_index(folder, index, tiny_reader, CONFIG)
    old = PassageIndex(index)
    before = holds(old)
    for number in range(N_EDITS):
        for _ in range(1 + number % 3):
            edits.edit()
        sync_folder(index, folder, tiny_reader, workers=1)
        again = sync_folder(index, folder, tiny_reader, workers=1)
        assert not again.is_change and again.n_passages_encoded == 0
        if number % 5 == 4:
            compact_index(index)
        assert_in_step(index, folder, tiny_reader, tmp_path / "fresh")
        assert holds(old) == before  # who had it open sees what was opened
    old.close()


def test_added_updated_and_removed_documents_are_counted(
    index: Path, folder: Path, tiny_reader: Reader
) -> None:
    (folder / "d.html").write_text("<h1>Towns</h1><p>A town.</p>")
    (folder / "b.md").write_text("# Volcanoes\n\nStromboli is one, too.\n")
    (folder / "c.txt").unlink()
    report = sync_folder(index, folder, tiny_reader, workers=1)
    assert report.summary() == "1 added, 1 updated, 1 removed, 1 unchanged"
    assert names_of(index) == ["a.md#1", "b.md#1", "d.html#1"]
    assert report.manifest.generation == 2  # what is deleted and what is added come together
    again = sync_folder(index, folder, tiny_reader, workers=1)
    assert again.summary() == "0 added, 0 updated, 0 removed, 3 unchanged"
    assert again.manifest == report.manifest


def test_passages_that_read_as_before_keep_their_states(
    index: Path, folder: Path, tiny_reader: Reader
) -> None:
    with PassageIndex(index) as opened:
        (before,) = opened.find("a.md#1")
    (folder / "a.md").write_text("\n\n# Rivers\n\nThe Tiber is a river.\n\n# Seas\n\nDeep.\n")
    report = sync_folder(index, folder, tiny_reader, workers=1)
    assert (report.n_updated, report.n_passages_encoded) == (1, 1)
    with PassageIndex(index) as opened:
        assert opened.find("a.md#1") == [before]
        assert opened.passage(before).metadata["line"] == 5
        assert opened.passage(opened.find("a.md#2")[0]).text == "Deep."


def test_only_lines_moved_takes_no_reader(index: Path, folder: Path) -> None:
    (folder / "a.md").write_text("\n\n# Rivers\n\nThe Tiber is a river.\n")
    (folder / "b.md").unlink()
    report = sync_folder(index, folder)  # "tiny" could not be loaded
    assert report.summary() == "0 added, 1 updated, 1 removed, 1 unchanged"
    with PassageIndex(index) as opened:
        assert opened.metadata(opened.find("a.md#1")[0])["line"] == 5
    assert verify_index(index) == []


def test_the_same_text_under_two_names_is_told(
    index: Path, folder: Path, tiny_reader: Reader
) -> None:
    shutil.copyfile(folder / "a.md", folder / "z.md")
    report = sync_folder(index, folder, tiny_reader, workers=1)
    assert report.repeated == [("z.md#1", "a.md#1")]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"\xff", r"a\.md:1: expected UTF-8"),
        (b"text\0", r"a\.md: expected text, found binary data"),
        (None, r"a\.md: expected a file, found a link to gone"),
    ],
)
def test_a_document_that_cannot_be_read_stops_or_keeps_its_stored_version(
    index: Path, folder: Path, tiny_reader: Reader, content: bytes | None, fault: str
) -> None:
    path = folder / "a.md"
    path.unlink()
    path.write_bytes(content) if content is not None else path.symlink_to("gone")
    shutil.copy(path, folder / "new.md", follow_symlinks=False)
    (folder / "b.md").unlink()
    with pytest.raises(DataError, match=fault):
        sync_folder(index, folder, tiny_reader)
    report = sync_folder(index, folder, tiny_reader, on_error=OnError.SKIP)
    assert report.summary() == (
        "0 added, 0 updated, 1 removed, 1 unchanged, 1 not read, its stored version kept"
    )
    read = report.read
    assert (read.n_read, read.n_skipped + read.left_out.total()) == (1, 2)
    assert names_of(index) == ["a.md#1", "c.txt#1"]


def test_an_empty_folder_changes_nothing(index: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="files in the folder, found none"):
        sync_folder(index, tmp_path / "none")
    assert len(names_of(index)) == 3


@pytest.mark.parametrize("on_error", list(OnError))
def test_a_folder_that_is_not_there_removes_nothing(
    index: Path, tmp_path: Path, on_error: OnError
) -> None:
    file = tmp_path / "file.jsonl"
    file.touch()
    for path, found in ((tmp_path / "nowhere", "nothing"), (file, "a file")):
        with pytest.raises(DataError, match=f"expected a folder of documents, found {found}"):
            sync_folder(index, path, on_error=on_error)
    assert len(names_of(index)) == 3


def test_a_folder_that_cannot_be_listed_removes_nothing(
    index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may list every folder, so the system call is what refuses."""
    (folder / "locked").mkdir()
    scandir = os.scandir

    def refusing(path: str) -> Any:
        if str(path).endswith("locked"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(DataError, match="locked: the folder cannot be read: Permission denied"):
        sync_folder(index, folder)
    with pytest.raises(DataError, match="locked: the folder cannot be read: Permission denied"):
        find_files(folder, {".md"})
    monkeypatch.undo()
    assert len(names_of(index)) == 3


def test_a_document_whose_name_is_not_utf8_is_named(index: Path, folder: Path) -> None:
    name = os.fsencode(folder) + b"/caf\xe9.txt"
    with open(name, "wb") as file:
        file.write(b"A text.")
    with pytest.raises(DataError, match="expected a file name in UTF-8"):
        sync_folder(index, folder)


def test_passages_from_elsewhere_stay(
    index: Path, folder: Path, tiny_reader: Reader, tmp_path: Path
) -> None:
    more = tmp_path / "more.jsonl"
    more.write_text('{"id": "x", "text": "From a list."}\n{"id": "e.md#1", "text": "Taken."}\n')
    add_passages(index, more, tiny_reader, AddConfig(workers=1))
    (folder / "b.md").unlink()
    sync_folder(index, folder)
    assert names_of(index) == ["a.md#1", "c.txt#1", "e.md#1", "x"]
    (folder / "e.md").write_text("New.")
    with pytest.raises(PrereadError, match=r"'e\.md#1' is in the index already, and came from no"):
        sync_folder(index, folder, tiny_reader)


def test_an_added_document_replaces_all_passages_of_its_name(
    index: Path, folder: Path, tiny_reader: Reader
) -> None:
    path = folder / "a.md"
    path.write_text("# One\n\n" + "A town. " * 70 + "\n\n# Two\n\n" + "A night. " * 70)
    config = AddConfig(workers=1, replace=True)
    add_passages(index, path, tiny_reader, config)
    assert "a.md#2" in names_of(index)
    path.write_text("Short.")
    add_passages(index, path, tiny_reader, config)
    assert names_of(index) == ["a.md#1", "b.md#1", "c.txt#1"]


def test_documents_are_listed_and_deleted_by_pattern(index: Path) -> None:
    with PassageIndex(index) as opened:
        assert [one.name for one in stored_documents(opened)] == ["a.md", "b.md", "c.txt"]
        (one,) = stored_documents(opened, ["c*"])
        assert [opened.passage(o).passage_id for o in one.ordinals] == ["c.txt#1"]
    delete_passages(index, ["c.txt#1"])
    with PassageIndex(index) as opened:
        assert stored_documents(opened, ["c*"]) == []


def test_a_document_is_found_by_another_unicode_form_of_its_name(
    tiny_reader: Reader, tmp_path: Path
) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "e\u0301cole.md").write_text("A school.", "utf-8")
    build_index(documents, tmp_path / "index", tiny_reader, IndexConfig(workers=1))
    with PassageIndex(tmp_path / "index") as opened:
        (one,) = stored_documents(opened, ["\u00e9*"])
        assert one.ordinals == [0]


@pytest.mark.slow
def test_metadata_goes_along_when_indexes_are_split_and_merged(
    index: Path, folder: Path, tiny_reader: Reader, tmp_path: Path
) -> None:
    def known(path: Path) -> dict[str, object]:
        with PassageIndex(path) as opened:
            return {passage.passage_id: passage.metadata for passage in holds(opened)}

    for number in range(4):
        (folder / f"more-{number}.md").write_text(f"Text {number}.")
    sync_folder(index, folder, tiny_reader, workers=1)
    wanted = known(index)
    assert len(wanted) == 7 and all(wanted.values())
    parts = split_index(index, tmp_path / "parts", 2)
    assert {name: row for part in parts for name, row in known(part).items()} == wanted
    merge_indexes(parts, tmp_path / "merged")
    assert known(tmp_path / "merged") == wanted
    build_index(folder / "a.md", tmp_path / "other", tiny_reader, CONFIG)
    delete_passages(index, ["a.md#1"])
    merge_indexes([index, tmp_path / "other"], tmp_path / "both")
    assert known(tmp_path / "both") == wanted
    for path in (*parts, tmp_path / "both"):
        assert verify_index(path) == []


def test_changes_are_told_when_the_folder_is_quiet(folder: Path) -> None:
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) in (2, 3):
            (folder / "a.md").write_text("text " * len(naps))
        assert len(naps) < 20

    watched = watch_folder(folder, interval=1, quiet=2, sleep=sleep)
    next(watched)
    assert not naps
    next(watched)
    assert len(naps) == 5  # changed twice, then two seconds of quiet


def _sync(index: Path, folder: Path, reader: Path) -> None:
    """What a process does that is killed."""
    sync_folder(index, folder, Reader.load(str(reader)), workers=1)


@pytest.mark.slow
def test_a_killed_synchronisation_leaves_the_index_before_or_after(
    tiny_reader: Reader,
    tiny_reader_path: Path,
    tmp_path: Path,
    warm_processes: ForkServerContext,
) -> None:
    folder, index = tmp_path / "folder", tmp_path / "index"
    folder.mkdir()
    edits = Edits(folder, seed=1)
    build_index(folder, index, tiny_reader, CONFIG)
    sync_folder(index, folder, tiny_reader, workers=1)
    draw = random.Random(0)
    for _ in range(2 + N_EDITS // 20):
        before = names_and_hashes(index)
        for _ in range(3):
            edits.edit()
        process = warm_processes.Process(target=_sync, args=(index, folder, tiny_reader_path))
        process.start()
        process.join(draw.uniform(0.5, 6.0))
        if process.is_alive():
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
        process.join()
        after = sorted((p.passage_id, str(p.metadata["_hash"])) for p in read_corpus(folder))
        assert names_and_hashes(index) in (before, after)
        sync_folder(index, folder, tiny_reader, workers=1)
        assert_in_step(index, folder, tiny_reader, tmp_path / "fresh")


def names_and_hashes(index: Path) -> Sequence[tuple[str, str]]:
    """Identifiers of all passages, and the hashes of their documents."""
    with PassageIndex(index) as opened:
        return [(p.passage_id, str(p.metadata["_hash"])) for p in holds(opened)]
