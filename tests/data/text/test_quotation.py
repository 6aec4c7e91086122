"""Quotations in texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preread.data.text.quotation import align, find_exactly, folded_quotation

TEXT = (
    "He said: “The  piano’s keys—all\u00ad 88 of them—are\nwhite and black.” "
    "Café ﬁne. 吾輩は猫である。"
)


@pytest.mark.parametrize(
    ("quotation", "stretch"),
    [
        ('"the piano\'s keys-all 88 of them-are white"', TEXT[10:53]),
        ("Cafe\u0301 fine!", "Café ﬁne"),
        ("猫である", "猫である"),
        ("he said", "He said"),
        ("iano's keys", None),
        ("all 87 of them", None),
    ],
)
def test_quotations_are_found_but_for_typography(quotation: str, stretch: str | None) -> None:
    found = find_exactly(folded_quotation(quotation), TEXT)
    assert (found and TEXT[found.start : found.end]) == stretch
    assert found is None or (found.is_exact and found.similarity == 1)


@pytest.mark.parametrize(
    ("quotation", "stretch", "similarity"),
    [
        ("all 87 of them", "all\u00ad 88 of them", 13 / 14),
        ("whyte an black", "white and black", 12 / 14),
        ("xqz", None, 0),
    ],
)
def test_the_nearest_stretch_is_aligned(
    quotation: str, stretch: str | None, similarity: float
) -> None:
    found = align(folded_quotation(quotation), TEXT)
    if stretch is None:
        assert found is None or found.similarity < 0.5
        return
    assert found is not None and not found.is_exact
    assert TEXT[found.start : found.end] == stretch
    assert found.similarity == pytest.approx(similarity)


def test_a_text_that_is_too_short_is_not_aligned() -> None:
    quotation = folded_quotation(TEXT + " and some words that it lacks")
    assert align(quotation, TEXT) is not None
    assert align(quotation, TEXT, len(TEXT) / len(quotation) + 0.1) is None


WORDS = st.text(alphabet="ab ’é", min_size=1, max_size=9)


@given(WORDS, WORDS, WORDS)
def test_what_stands_there_is_found(before: str, quotation: str, after: str) -> None:
    wanted = folded_quotation(quotation)
    text = f"{before} {quotation} {after}"
    if wanted:
        found = find_exactly(wanted, text)
        aligned = align(wanted, text)
        assert found is not None and aligned is not None and aligned.similarity == 1
        assert folded_quotation(text[found.start : found.end]) == wanted
