"""Blocks of a passage's text: an answer lies within one."""

from bisect import bisect_left

from ...data.text.sentences import BLOCK_END
from ...reader.text.token_map import TokenMap


def block_starts(tokens: TokenMap) -> list[int]:
    """Find the tokens with which the blocks of a text begin, except for the first block.

    Args:
        tokens: The text and its tokens.
    """
    if "\n" not in tokens.text:
        return []
    starts = [start for start, _ in tokens.tokens]
    found = (bisect_left(starts, match.end()) for match in BLOCK_END.finditer(tokens.text))
    return [token for token in found if token < len(starts)]
