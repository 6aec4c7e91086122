"""Texts that look alike have one form for comparison."""

import sys
from unicodedata import normalize

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from preread.data import PrereadError
from preread.data.text.normalization import TextNormalization, visible_text

IGNORABLE = regex.compile(r"\p{Default_Ignorable_Code_Point}")
TEXTS = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("e\u0301\u0316\u034f\u00ad\u200b\u200c\u200d\ufe0fﬁ１Å한가\u1160\u3164가"),
    ),
    max_size=20,
)


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        (normalize("NFD", "Dvořák"), "Dvořák"),
        ("chryso\u00adberyl", "chrysoberyl"),
        ("tour\u200bma\u200cli\u200dne", "tourmaline"),
        ("ﬁlament", "filament"),
        ("１９６９", "1969"),
        ("𝑚𝑎𝑙𝑎𝑐ℎ𝑖𝑡𝑒", "malachite"),
        ("heart ❤\ufe0f", "heart ❤"),
        ("H₂O", "H2O"),
        ("ｶﾞ", "ガ"),
        ("\ufeffword", "word"),
        ("Straße", "Straße"),
    ],
)
def test_texts_that_look_alike_are_compared_in_one_form(written: str, compared: str) -> None:
    assert visible_text(written) == compared


@given(st.text(st.characters(max_codepoint=0x7F)))
def test_ascii_stays_as_it_is(text: str) -> None:
    assert visible_text(text) == text


@given(TEXTS)
def test_canonically_equivalent_texts_have_one_form(text: str) -> None:
    found = visible_text(text)
    assert visible_text(normalize("NFC", text)) == visible_text(normalize("NFD", text)) == found
    assert visible_text(found) == found


@given(TEXTS)
def test_compatible_texts_have_one_form(text: str) -> None:
    found = visible_text(text)
    assert visible_text(normalize("NFKC", text)) == visible_text(normalize("NFKD", text)) == found


@given(TEXTS, st.data())
def test_ignorable_characters_anywhere_change_nothing(text: str, data: st.DataObject) -> None:
    ignorable = data.draw(st.sampled_from("\u00ad\u034f\u200b\u200c\u200d\u2060\ufe0f\U000e0100"))
    place = data.draw(st.integers(0, len(text)))
    assert visible_text(text[:place] + ignorable + text[place:]) == visible_text(text)


def test_no_character_becomes_an_ignorable_one() -> None:
    """So that removing them before NFKC is enough."""
    for code in range(sys.maxunicode + 1):
        if not 0xD800 <= code < 0xE000:
            assert not IGNORABLE.search(visible_text(chr(code)))


def test_the_normalization_of_a_newer_version_is_refused() -> None:
    assert TextNormalization.parse("none") is TextNormalization.NONE
    with pytest.raises(PrereadError, match="expected none or nfkc, found 'nfkd'.*update preread"):
        TextNormalization.parse("nfkd")
