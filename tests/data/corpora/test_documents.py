"""Folders of documents as corpora."""

from collections.abc import Callable
from pathlib import Path

import pytest
from preread.data import (
    CorpusFormat,
    DataError,
    OnError,
    ReadReport,
    detect_corpus_format,
    read_corpus,
)

WriteFile = Callable[[str, str | bytes], Path]


def words(n_words: int, last: str = "end.") -> str:
    """A sentence of so many words."""
    return " ".join(["word"] * (n_words - 1) + [last])


def test_files_are_read_in_order_with_path_as_id(write_file: WriteFile) -> None:
    write_file("c/b/two.txt", "Second file.\n")
    write_file("c/a.md", "---\nowner: Zoë\n---\nIntro.\n\n## The *first* heading ##\n\nBody.\n")
    folder = write_file("c/b/one.TXT", "\n  First file.\nTwo lines.  \n").parents[1]
    write_file("c/.git/x.txt", "hidden")
    write_file("c/~$report.docx", b"\x05Anna")
    write_file("c/node_modules/x/README.md", "generated")
    write_file("c/package.json", '{"name": "x"}')
    write_file("c/empty.md", " \n")
    write_file("c/photo.txt", b"\x89PNG\0")
    assert detect_corpus_format(folder) is CorpusFormat.DOCUMENTS
    report = ReadReport()
    found = list(read_corpus(folder, report=report))
    assert [(p.passage_id, p.title, p.text) for p in found] == [
        ("a.md#1", "a", "Intro."),
        ("a.md#2", "The first heading", "Body."),
        ("b/one.TXT#1", "one", "First file.\nTwo lines."),
        ("b/two.txt#1", "two", "Second file."),
    ]
    assert found[1].shown_metadata() == {
        "document": "a.md",
        "owner": "Zoë",
        "line": 8,
        "start": 54,
        "end": 60,
    }
    assert report.left_out == {
        "hidden or generated": 3,
        "not a document": 1,
        "without text": 1,
        "binary": 1,
    }


def test_a_file_that_grows_keeps_the_identifiers_of_its_passages(write_file: WriteFile) -> None:
    path = write_file("note.txt", f"{words(80)}\n")
    assert [p.passage_id for p in read_corpus(path)] == ["note.txt#1"]
    write_file("note.txt", f"{words(80)}\n\n{words(60)}\n")
    assert [(p.passage_id, p.text) for p in read_corpus(path)] == [
        ("note.txt#1", words(80)),
        ("note.txt#2", words(60)),
    ]


def test_bad_utf8_costs_the_file_and_names_its_line(write_file: WriteFile) -> None:
    write_file("c/a.txt", b"fine\nnot \xff fine\n")
    folder = write_file("c/b.txt", "fine").parent
    with pytest.raises(DataError, match=r"a\.txt:2: expected UTF-8, found byte 0xff at position 5"):
        list(read_corpus(folder))
    report = ReadReport()
    assert [p.text for p in read_corpus(folder, on_error=OnError.SKIP, report=report)] == ["fine"]
    assert report.n_skipped == 1


def test_folder_without_documents_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected \.docx or \.htm or .* files in the folder"):
        list(read_corpus(tmp_path, format=CorpusFormat.DOCUMENTS))


def test_a_document_that_is_too_large_is_refused(
    write_file: WriteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preread.data.documents.folder.MAX_DOCUMENT_BYTES", 1 << 20)
    path = write_file("a.txt.gz", "word " * (1 << 18))
    with pytest.raises(DataError, match=r"a\.txt\.gz: expected a file of at most 1 MiB"):
        list(read_corpus(path))
    write_file("a.txt.gz", "word " * (1 << 17))
    assert len(list(read_corpus(path))) > 1000


def test_compressed_documents_are_read(write_file: WriteFile) -> None:
    folder = write_file("c/a.md.gz", "# One\n\nText.").parent
    assert [(p.passage_id, p.title) for p in read_corpus(folder)] == [("a.md.gz#1", "One")]
