"""Folders of text and markdown, and how texts are cut."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preread.data import (
    CorpusFormat,
    DataError,
    OnError,
    Passage,
    ReadReport,
    detect_corpus_format,
    read_corpus,
)
from preread.data.corpora.splitting import split_text

WriteFile = Callable[[str, str | bytes], Path]

texts = st.lists(
    st.sampled_from(["word ", "end. ", "end!\n", "\n", "\n\n", "\r\n", "# Head\n", "\t", "a" * 9])
).map("".join)


def words(n_words: int, last: str = "end.") -> str:
    """A sentence of so many words."""
    return " ".join(["word"] * (n_words - 1) + [last])


def cut(text: str, *, is_markdown: bool = False) -> list[str]:
    """The passages that a text is cut into."""
    return [text[start:end] for start, end in split_text(text, is_markdown=is_markdown)]


def test_files_are_read_in_order_with_path_as_id(write_file: WriteFile) -> None:
    write_file("c/b/two.txt", "Second file.\n")
    write_file("c/a.md", "Intro.\n\n## The *first* heading ##\n\nBody.\n")
    folder = write_file("c/b/one.TXT", "\n  First file.\nTwo lines.  \n").parents[1]
    write_file("c/.git/x.txt", "hidden")
    write_file("c/package.json", '{"name": "x"}')
    assert detect_corpus_format(folder) is CorpusFormat.TEXT
    assert list(read_corpus(folder)) == [
        Passage("a.md", "Intro.\n\n## The *first* heading ##\n\nBody.", "The *first* heading"),
        Passage("b/one.TXT", "First file.\nTwo lines.", "one"),
        Passage("b/two.txt", "Second file.", "two"),
    ]


def test_split_file_numbers_its_passages_from_one(write_file: WriteFile) -> None:
    path = write_file("note.txt", f"{words(80)}\n\n{words(60)}\n")
    assert list(read_corpus(path)) == [
        Passage("note.txt#1", words(80), "note"),
        Passage("note.txt#2", words(60), "note"),
    ]


def test_paragraphs_are_packed_up_to_a_hundred_words() -> None:
    paragraphs = [words(40), words(60), words(30), words(150), words(10)]
    assert cut("\n \n".join(paragraphs)) == [
        "\n \n".join(paragraphs[:2]),
        *paragraphs[2:],
    ]


def test_paragraph_above_two_hundred_words_is_cut_at_sentence_ends() -> None:
    sentences = [words(60), words(30, 'end!"'), words(80, "end?"), words(40)]
    assert cut(" ".join(sentences)) == [" ".join(sentences[:2]), *sentences[2:]]


def test_sentence_without_end_stays_whole() -> None:
    assert cut(words(300, "word")) == [words(300, "word")]


def test_markdown_heading_stays_with_the_paragraph_below_it() -> None:
    text = f"{words(90)}\n\n# One\n\n## Two\n\n{words(95)}\n\n# Last\n"
    assert cut(text, is_markdown=True) == [
        words(90),
        f"# One\n\n## Two\n\n{words(95)}",
        "# Last",
    ]


@given(text=texts, is_markdown=st.booleans())
def test_passages_are_slices_in_order_and_hold_every_word(text: str, is_markdown: bool) -> None:
    spans = split_text(text, is_markdown=is_markdown)
    passages = [text[start:end] for start, end in spans]
    assert all(passage and passage == passage.strip() for passage in passages)
    assert all(one.end < two.start for one, two in zip(spans, spans[1:], strict=False))
    assert [w for passage in passages for w in passage.split()] == text.split()


def test_bad_utf8_costs_the_file_and_names_its_line(write_file: WriteFile) -> None:
    write_file("c/a.txt", b"fine\nnot \xff fine\n")
    folder = write_file("c/b.txt", "fine").parent
    with pytest.raises(DataError, match=r"a\.txt:2: expected UTF-8"):
        list(read_corpus(folder))
    report = ReadReport()
    assert [p.text for p in read_corpus(folder, on_error=OnError.SKIP, report=report)] == ["fine"]
    assert report.n_skipped == 1


def test_empty_file_is_an_error_that_can_be_skipped(write_file: WriteFile) -> None:
    write_file("c/a.txt", " \n")
    folder = write_file("c/b.txt", "fine").parent
    with pytest.raises(DataError, match=r"a\.txt: expected text, found none"):
        list(read_corpus(folder))
    assert len(list(read_corpus(folder, on_error=OnError.SKIP))) == 1


def test_folder_without_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected \.md or \.txt files in the folder"):
        list(read_corpus(tmp_path, format=CorpusFormat.TEXT))
