"""Doubts about answers."""

import pytest
from preread.pipeline.qa.types import Answer
from preread.pipeline.server.doubt import Doubt, judge, kind_of
from preread.pipeline.server.errors import InvalidRequestError


@pytest.mark.parametrize(
    ("question", "doubt"),
    [
        ("Is Etna on Sicily?", Doubt.YES_NO),
        ("  did  Goethe write Faust?", Doubt.YES_NO),
        ("Isn't a piano heavy?", Doubt.YES_NO),
        ("Isn’t a piano heavy?", Doubt.YES_NO),
        ("Is a piano made of wood or of steel?", None),
        ("List the volcanoes of Italy", Doubt.LIST),
        ("name three rivers of Europe", Doubt.LIST),
        ("What are the main parts of a piano?", Doubt.LIST),
        ("Which are all the moons of Mars", Doubt.LIST),
        ("Name the longest river of Europe", None),
        ("How do I tune a piano?", Doubt.HOW_TO),
        ("how to tune a piano", Doubt.HOW_TO),
        ("How does a piano work?", Doubt.HOW_TO),
        ("why do volcanoes erupt", Doubt.HOW_TO),
        ("Explain tides", Doubt.HOW_TO),
        ("How many keys does a piano have?", None),
        ("how did Mozart die", None),
        ("Who built the first piano?", None),
        ("Island of Sicily: which volcano?", None),
        ("Listen: which bird sings?", None),
        ("Isengard", None),
        ("Ist der Ätna auf Sizilien?", None),
    ],
)
def test_questions_that_no_words_answer_are_known_by_their_beginning(
    question: str, doubt: Doubt | None
) -> None:
    assert kind_of(question) is doubt


def answer(confidence: float | None) -> Answer:
    return Answer("88", 0.7, "piano-1", "Piano", 0, 2, "88 keys", confidence)


@pytest.mark.parametrize(
    ("confidence", "wanted", "default", "is_given"),
    [
        (0.19, None, None, False),
        (0.21, None, None, True),
        (0.19, 0.0, None, True),
        (0.19, None, 0.0, True),
        (0.4, None, 0.5, False),
        (0.4, 0.3, 0.5, True),
        (0.4, 0.5, 0.3, False),
        (None, None, None, True),
        (None, 0.0, 0.5, True),
    ],
)
def test_answers_of_low_confidence_are_held_back(
    confidence: float | None, wanted: float | None, default: float | None, is_given: bool
) -> None:
    found = judge("how many keys?", [answer(confidence)], wanted, default)
    assert found.is_given == is_given and found.confidence == confidence
    assert found.doubt is (None if is_given else Doubt.LOW_CONFIDENCE)


def test_a_confidence_cannot_be_asked_of_a_reader_without() -> None:
    with pytest.raises(InvalidRequestError, match="was not calibrated, found 0.5"):
        judge("how many keys?", [answer(None)], 0.5, None)
    assert judge("how many keys?", [], 0.5, None).doubt is None
