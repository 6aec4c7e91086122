"""Questions that only look answerable."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preread.data.synthetic.unanswerable import QuestionAlterer, borrowed_questions

TEXTS = [
    "In 2021 and 2022 Etna erupted. It is said that Mount Etna is the largest volcano of Sicily.",
    "In 1944 Vesuvius destroyed Pompeii. Who climbs Mount Vesuvius finds 3 peaks and 15 paths.",
]
QUESTIONS = ["Who saw Mount Vesuvius?", "When did Stromboli erupt?", "Where is the Bay of Naples?"]


def altered(
    question: str, *answers: str, texts: list[str] = TEXTS, questions: list[str] = QUESTIONS
) -> set[str | None]:
    """What a question becomes by many draws."""
    alterer = QuestionAlterer(texts, questions)
    return {alterer.alter(question, answers, random.Random(n)) for n in range(300)}


def test_names_numbers_and_words_are_replaced_and_verbs_negated() -> None:
    found = altered("When did Etna, the largest volcano, erupt after 2021?", "2022")
    assert "When didn't Etna, the largest volcano, erupt after 2021?" in found
    assert "When did Etna, the smallest volcano, erupt after 2021?" in found
    assert "When did Etna, the largest volcano, erupt after 1944?" in found
    assert "When did Stromboli, the largest volcano, erupt after 2021?" in found
    assert not any("after 2022" in str(one) for one in found)  # the answer is not put in
    assert not any("Bay of Naples" in str(one) for one in found)  # it never follows "did"


@pytest.mark.parametrize(
    ("question", "texts", "expected"),
    [
        ("who saw mount etna", TEXTS, "who saw mount vesuvius"),
        ("What did Vesuvius do to Pompeii?", TEXTS, "What did Pompeii do to Vesuvius?"),
        ("Are Vesuvius and Pompeii", TEXTS, None),  # the same, exchanged
        ("Which has 3 tops", ["It has none."], None),
        ("How many of 15 paths", TEXTS[:1], None),
        ("can it", [""], "can't it"),
        ("What may it have", [""], None),
    ],
)
def test_what_a_question_may_become(question: str, texts: list[str], expected: str | None) -> None:
    found = altered(question, texts=texts)
    assert question not in found
    if expected is None:
        assert all(one is None or one.count(" ") == question.count(" ") for one in found)
    else:
        assert expected in found


def test_questions_of_other_texts_are_borrowed_if_they_fit_and_have_no_answer_here() -> None:
    candidates = [
        ("When did Etna erupt first?", ["425 BC"]),
        ("When was Etna seen to erupt?", ["2021"]),  # which the text has
        ("Which volcano is the largest of Italy?", ["Monte Etna"]),
        ("Who painted the Mona Lisa?", ["Leonardo"]),
        ("Is it?", ["yes"]),
    ]
    found = list(borrowed_questions(f"{TEXTS[0]} To erupt is its nature.", candidates))
    assert found == ["When did Etna erupt first?", "Which volcano is the largest of Italy?"]


@given(st.text(), st.lists(st.text(), max_size=3), st.lists(st.text(), max_size=2))
def test_any_text_is_altered_or_left_out(
    question: str, texts: list[str], questions: list[str]
) -> None:
    alterer = QuestionAlterer(texts, questions)
    found = alterer.alter(question, ["x"], random.Random(3))
    assert found is None or found != question
    assert found == alterer.alter(question, ["x"], random.Random(3))
