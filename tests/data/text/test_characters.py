"""Spans that cut no character in two."""

from unicodedata import normalize

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from preread.data.text.characters import is_blank, whole_characters

PIECES = st.sampled_from(
    ["a", "1", " ", "\r\n", "\n", "e\u0301", "\u0301", "ł", "क्षि", "र्", "か\u3099", "❤\ufe0f",
     "👩\u200d👧", "🇫🇷", "\u200d", "\u0600", "漢", "\uac00", "ᄀ", "ᅡ", "\ufe0f", "ᩚ"]
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "cut", "whole"),
    [
        (normalize("NFD", "in Bogotá."), "Bogota", normalize("NFD", "Bogotá")),
        (
            normalize("NFD", "by José Martí"),
            normalize("NFD", "José Marti"),
            normalize("NFD", "José Martí"),
        ),
        ("दिल्ली है", "दिल्ल", "दिल्ली"),
        ("red ❤\ufe0f.", "❤", "❤\ufe0f"),
        ("the 👩\u200d👧 here", "👧", "👩\u200d👧"),
        ("a 🇫🇷 flag", "🇫", "🇫🇷"),
        ("plain text", "lain", "lain"),
        ("Łódź", "ód", "ód"),
    ],
)
def test_a_span_is_widened_to_whole_characters(text: str, cut: str, whole: str) -> None:
    start = text.index(cut)
    assert text[slice(*whole_characters(text, start, start + len(cut)))] == whole


@given(pieces=st.lists(PIECES, max_size=12), data=st.data())
def test_bounds_are_those_of_the_clusters_of_the_whole_text(
    pieces: list[str], data: st.DataObject
) -> None:
    text = "".join(pieces)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    clusters = [match.span() for match in regex.finditer(r"\X", text)]
    expected = start, end
    if start < end and not text.isascii():
        expected = (
            max(first for first, _ in clusters if first <= start),
            min(last for _, last in clusters if last >= end),
        )
    found = whole_characters(text, start, end)
    assert found == expected
    assert whole_characters(text, *found) == found


def test_a_text_of_white_space_and_invisible_characters_is_blank() -> None:
    assert is_blank("") and is_blank(" \n\x1f\u3000\u200b\u2060\ufeff\u00ad\u3164\ufe0f")
    assert not is_blank("\u200b.") and not is_blank("a\u0301")


@pytest.mark.parametrize("text", ["漢" * 100_000, "क्षि" * 25_000])
def test_the_time_does_not_grow_with_the_text(text: str) -> None:
    """A thousand spans; walks to the start of the text would take half a minute."""
    middle = len(text) // 2
    for _ in range(1_000):
        start, end = whole_characters(text, middle + 1, middle + 2)
    assert end - start in (1, 4)


@given(text=st.text(max_size=20), data=st.data())
def test_a_span_is_never_narrowed(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    first, last = whole_characters(text, start, end)
    assert 0 <= first <= start <= end <= last <= len(text)
