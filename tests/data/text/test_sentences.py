"""Sentences of texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preread.data.text.sentences import sentence_ranges


@pytest.mark.parametrize(
    "sentences",
    [
        ["Mr. J. R. Smith lives in the U.S.", "The house is in Washington D.C.", "He paid 3.5 m."],
        [
            "Yahoo Inc. bought it in Jan. 2001 (see Fig. 3, e.g. the dog).",
            '"Go!" she said.',
            "Yes.",
        ],
        ["In 1987.", "12 dogs came. the end...", "Was it No. 5?", "No.", "[1] We said so."],
        ["1. First step.", "2. Second step."],
        ["a , b .", "`` The cat sat . ''", "He said so ."],  # tokenised, as in QED
        ["吾輩は猫である。", "名前はまだ無い。", "「そうだ。」", "と言った。"],
        ["यह एक वाक्य है।", "यह दूसरा है॥", "तीसरा"],
        ["ما اسمك؟", "اسمي علي.", "هذا بيت."],
        ["Ёлка зелёная.", "«Снег бел.»", "Кто там?"],
    ],
)
def test_sentences_are_found(sentences: list[str]) -> None:
    gap = "" if sentences[0].startswith("吾") else " "
    text = f" {gap.join(sentences)} "
    assert [text[start:end] for start, end in sentence_ranges(text)] == sentences


def test_blocks_end_sentences_and_wrapped_lines_do_not() -> None:
    text = "A heading\n\nFirst line\nwrapped. On:\nitem one\nitem two.\nitem three; it goes on"
    assert [text[start:end] for start, end in sentence_ranges(text)] == [
        "A heading",
        "First line\nwrapped.",
        "On:",
        "item one\nitem two.",
        "item three; it goes on",
    ]


@given(st.text(alphabet='aB1 .!?。।\n"”)A.\u00a0', max_size=40))
def test_sentences_hold_all_but_the_space_between_them(text: str) -> None:
    ranges = sentence_ranges(text)
    assert "".join("".join(text[s:e].split()) for s, e in ranges) == "".join(text.split())
    assert all(text[s:e] == text[s:e].strip() != "" for s, e in ranges)
    assert ranges == sorted(ranges)
