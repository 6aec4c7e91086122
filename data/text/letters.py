"""Comparison of texts by their letters and digits."""

import re
import unicodedata

_NOT_LETTERS = re.compile(r"[\W_]+")


def letters(text: str) -> str:
    """Return a text's letters and digits, without case and compatibility differences.

    Editions of one text that differ in spacing, punctuation or encoding give the same result.

    Args:
        text: The text.
    """
    return _NOT_LETTERS.sub("", unicodedata.normalize("NFKC", text).casefold())
