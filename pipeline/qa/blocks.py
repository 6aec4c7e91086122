"""What a span of text must be to be an answer: within one block, and more than punctuation."""

import re
import unicodedata
from bisect import bisect_left

from ...reader.text.windows import TokenMap

_BLOCK_END = re.compile(r"(?:\n[^\S\n]*|(?<=[.!?:;…])[\"'”’)\]]*[^\S\n]*)\n\s*")
"""A blank line, or a line that ends where a sentence does: an item of a list, a row of a table, a
heading. A line that was only wrapped goes on."""


def block_starts(tokens: TokenMap) -> list[int]:
    """Tokens with which a block of a text begins, but for its first.

    Args:
        tokens: The text, and where its tokens stand.
    """
    if "\n" not in tokens.text:
        return []
    starts = [start for start, _ in tokens.tokens]
    found = (bisect_left(starts, match.end()) for match in _BLOCK_END.finditer(tokens.text))
    return [token for token in found if token < len(starts)]


def has_words(text: str) -> bool:
    """Whether a text is more than punctuation, mathematical signs and white space.

    Args:
        text: A span of a passage.
    """
    return any(
        category[0] in "LN" or category in ("So", "Sc")
        for category in map(unicodedata.category, text)
    )
