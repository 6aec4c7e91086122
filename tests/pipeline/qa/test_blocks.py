"""Spans of text that may be answers."""

import pytest
from preread.pipeline.qa.blocks import block_starts
from preread.reader import Reader


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("One two.\n\nThree four", ["three"]),
        ("A list:\nfirst item.\nsecond item.", ["first", "second"]),
        ("wrapped in the\nmiddle of a sentence", []),
        ("no heading\n \n \nhere", ["here"]),
        ("Who?\nAnn", ["ann"]),
        ('He said "no."\nThen yes', ["then"]),
        ("at the end.\n\n", []),
        ("one line", []),
    ],
)
def test_blocks_begin_after_blank_lines_and_ended_ones(
    tiny_reader: Reader, text: str, starts: list[str]
) -> None:
    tokens = tiny_reader.encoder.token_map(text)
    found = [text[slice(*tokens.tokens[token])].lower() for token in block_starts(tokens)]
    assert found == starts
