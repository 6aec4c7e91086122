"""Where an answer stands, in the units that the client counts in."""

from enum import StrEnum


class Offsets(StrEnum):
    """What ``start`` and ``end`` count."""

    CODEPOINT = "codepoint"
    """Characters, as Python counts them."""
    UTF16 = "utf16"
    """UTF-16 code units, as Java and JavaScript count: most emoji are two."""

    def convert(self, text: str, start: int, end: int) -> tuple[int, int]:
        """Code points of a text in this unit.

        Args:
            text: What the offsets point into.
            start: In code points.
            end: In code points, exclusive.
        """
        if self is Offsets.CODEPOINT:
            return start, end
        before = _utf16_length(text[:start])
        return before, before + _utf16_length(text[start:end])


def _utf16_length(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)
