"""Questions that only look answerable."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preread.data.synthetic.unanswerable import alter_question

TEXTS = [
    "Etna erupted in 2021 and in 2022. Mount Etna is the largest volcano of Sicily.",
    "Vesuvius destroyed Pompeii in 1944 or before. Mount Vesuvius has 3 peaks and 15 paths.",
]


def altered(question: str, *answers: str, texts: list[str] = TEXTS) -> set[str | None]:
    """What a question becomes by many draws."""
    return {alter_question(question, texts, answers, random.Random(n)) for n in range(200)}


def test_names_numbers_and_words_are_replaced_and_verbs_negated() -> None:
    found = altered("When did Mount Etna, the largest volcano, erupt after 2021?", "2022")
    assert "When didn't Mount Etna, the largest volcano, erupt after 2021?" in found
    assert "When did Mount Etna, the smallest volcano, erupt after 2021?" in found
    assert "When did Mount Etna, the largest volcano, erupt after 1944?" in found
    assert "When did Mount Vesuvius, the largest volcano, erupt after 2021?" in found
    assert not any("after 2022" in str(one) for one in found)  # the answer is not put in


@pytest.mark.parametrize(
    ("question", "texts", "expected"),
    [
        ("who saw mount etna", TEXTS, "who saw mount vesuvius"),
        ("Name Etna's foot", TEXTS, "Name Pompeii's foot"),
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


@given(st.text(), st.lists(st.text(), max_size=3), st.integers(0, 9))
def test_any_text_is_altered_or_left_out(question: str, texts: list[str], seed: int) -> None:
    found = alter_question(question, texts, ["x"], random.Random(seed))
    assert found is None or found != question
    assert found == alter_question(question, texts, ["x"], random.Random(seed))
