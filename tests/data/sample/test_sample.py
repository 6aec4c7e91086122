"""The sample corpus keeps what its files promise."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from preread.data.sample import sample_corpus_path, sample_questions_path

LONG_PASSAGE = "transatlantic-telegraph-cable-1"


def read(path: Path) -> list[dict[str, Any]]:
    """Read a JSON Lines file, one object from every line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def passages() -> list[dict[str, Any]]:
    """All sample passages."""
    return read(sample_corpus_path())


@pytest.fixture(scope="module")
def questions() -> list[dict[str, Any]]:
    """All sample questions."""
    return read(sample_questions_path())


def test_counts(passages: list[dict[str, Any]], questions: list[dict[str, Any]]) -> None:
    """There are enough passages, questions and questions without an answer."""
    assert len(passages) >= 150
    assert sum(1 for question in questions if question["answer"]) >= 100
    assert sum(1 for question in questions if not question["answer"]) >= 12


def test_fields(passages: list[dict[str, Any]], questions: list[dict[str, Any]]) -> None:
    """Every line has exactly its keys, with filled strings."""
    for passage in passages:
        assert set(passage) == {"id", "title", "text"}
        assert all(isinstance(value, str) and value.strip() for value in passage.values())
    for question in questions:
        assert set(question) == {"question", "answer", "id", "passage_id"}
        assert question["question"].strip()
        assert all(isinstance(answer, str) and answer.strip() for answer in question["answer"])


def test_ids_are_unique(passages: list[dict[str, Any]], questions: list[dict[str, Any]]) -> None:
    """No id is used twice within a file."""
    assert len({passage["id"] for passage in passages}) == len(passages)
    assert len({question["id"] for question in questions}) == len(questions)


def test_texts_and_questions_are_unique(
    passages: list[dict[str, Any]], questions: list[dict[str, Any]]
) -> None:
    """No text and no question occurs twice."""
    assert len({passage["text"] for passage in passages}) == len(passages)
    assert len({question["question"].lower() for question in questions}) == len(questions)


def test_first_answer_stands_in_its_passage(
    passages: list[dict[str, Any]], questions: list[dict[str, Any]]
) -> None:
    """The first accepted answer occurs verbatim in the gold passage."""
    texts = {passage["id"]: passage["text"] for passage in passages}
    for question in questions:
        if question["answer"]:
            assert question["passage_id"] in texts, question
            assert question["answer"][0] in texts[question["passage_id"]], question
        else:
            assert question["passage_id"] is None, question


def test_lengths(passages: list[dict[str, Any]]) -> None:
    """Passages are of ordinary length, but for one that takes several windows of a reader."""
    words = {passage["id"]: len(passage["text"].split()) for passage in passages}
    assert words.pop(LONG_PASSAGE) > 400
    assert {name: count for name, count in words.items() if not 40 <= count <= 130} == {}


def test_long_passage_is_asked_about_its_end(
    passages: list[dict[str, Any]], questions: list[dict[str, Any]]
) -> None:
    """Some answers first occur in the last third of the long passage."""
    text = next(passage["text"] for passage in passages if passage["id"] == LONG_PASSAGE)
    late = [
        question["id"]
        for question in questions
        if question["passage_id"] == LONG_PASSAGE
        and text.index(question["answer"][0]) > len(text) * 2 / 3
    ]
    assert len(late) >= 3


def test_titles_are_shared(passages: list[dict[str, Any]]) -> None:
    """Many titles have several passages, so that retrieval has to choose."""
    shared = Counter(passage["title"] for passage in passages)
    assert sum(1 for count in shared.values() if count > 1) >= 30


def test_names_outside_ascii(passages: list[dict[str, Any]]) -> None:
    """Names in other scripts and with accents are there, written as themselves."""
    text = sample_corpus_path().read_text(encoding="utf-8")
    assert "\\u" not in text
    for name in ("São Tomé", "Kraków", "Gödel", "Dvořák", "東京"):
        assert any(name in passage["text"] for passage in passages), name
