"""Telling a text that shows something from one of spaces and invisible characters."""

import regex

_BLANK = regex.compile(r"[\s\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Default_Ignorable_Code_Point}]*")


def is_blank(text: str) -> bool:
    """Whether a text has nothing but spaces, control characters and characters without a shape.

    Zero-width spaces, variation selectors and the fillers of Hangul have none.

    Args:
        text: The text.
    """
    return _BLANK.fullmatch(text) is not None
