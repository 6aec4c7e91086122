"""Telling whether two texts are printings of one."""

import re
import unicodedata

_NOT_LETTERS = re.compile(r"[\W_]+")


def letters(text: str) -> str:
    """What two printings of one text share: letters and digits, case and compatibility aside."""
    return _NOT_LETTERS.sub("", unicodedata.normalize("NFKC", text).casefold())
