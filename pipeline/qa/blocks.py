"""Blocks of a passage's text: an answer lies within one."""

import re
from bisect import bisect_left

from ...reader.text.windows import TokenMap

_BLOCK_END = re.compile(r"(?:\n[^\S\n]*|(?<=[.!?:;…])[\"'”’)\]]*[^\S\n]*)\n\s*")
"""A blank line, or the end of a line where a sentence ends, too: of an item of a list, a row of a
table or a heading. A line that was only wrapped goes on."""


def block_starts(tokens: TokenMap) -> list[int]:
    """Find the tokens with which the blocks of a text begin, except for the first block.

    Args:
        tokens: The text and its tokens.
    """
    if "\n" not in tokens.text:
        return []
    starts = [start for start, _ in tokens.tokens]
    found = (bisect_left(starts, match.end()) for match in _BLOCK_END.finditer(tokens.text))
    return [token for token in found if token < len(starts)]
