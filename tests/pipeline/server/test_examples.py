"""Questions that the page offers, made of an index's passages."""

from pathlib import Path

import pytest
from preread.data import Passage
from preread.indexer import PassageIndex
from preread.pipeline.server.examples import _questions, example_questions


@pytest.mark.parametrize(
    ("title", "text", "questions"),
    [
        (
            "The Eiffel Tower",
            "The Eiffel Tower was completed by Koechlin in 1889. It is high.",
            ["When was the Eiffel Tower completed?", "By whom was the Eiffel Tower completed?"],
        ),
        ("Gold", "Gold is a metal. It was found in 1850.", ["What is Gold?"]),
        ("Ada Byron", "Ada Byron (born 1815) is a countess.", ["Who is Ada Byron?"]),
        ("Ada Byron", "Ada Byron (1815 – 1852) was an author.", ["Who was Ada Byron?"]),
        ("Gold", "It is a metal.", []),
        ("", "Gold is a metal.", []),
        ("Gold", "Goldsmiths are a guild.", []),
        ("Or", "Or est un métal.", []),
    ],
)
def test_a_question_is_one_that_the_first_sentence_answers(
    title: str, text: str, questions: list[str]
) -> None:
    assert [question for _, question in _questions(Passage("p", text, title))] == questions


def test_examples_are_of_several_kinds_and_always_the_same(sample_index: Path) -> None:
    with PassageIndex(sample_index) as index:
        found = example_questions(index, 6)
        assert found == example_questions(index, 6) and len(set(found)) == 6
        titles = {index.passage(int(ordinal)).title for ordinal in index.ordinals()}
    assert {question.split()[0] for question in found} >= {"When", "What"}
    assert all(any(title.removeprefix("The ") in q for title in titles) for q in found)
