"""Passages of any length."""

from pathlib import Path

from preread.data import read_corpus


def test_a_passage_of_fifty_thousand_words_is_read_from_tsv(tmp_path: Path) -> None:
    text = " ".join(f"word{i}" for i in range(50_000))
    path = tmp_path / "passages.tsv"
    path.write_text(f"id\ttext\ttitle\n1\t{text}\tLong\n", "utf-8")
    (passage,) = read_corpus(path)
    assert passage.text == text
