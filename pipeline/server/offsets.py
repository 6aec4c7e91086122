"""The place of an answer in its passage, in the unit that the client counts in."""

from enum import StrEnum


class Offsets(StrEnum):
    """The unit of ``start`` and ``end``."""

    CODEPOINT = "codepoint"
    """Unicode code points, as Python counts."""
    UTF16 = "utf16"
    """UTF-16 code units, as Java and JavaScript count: most emoji are two."""

    def convert(self, text: str, start: int, end: int) -> tuple[int, int]:
        """The start and end of a span of a text in this unit.

        Args:
            text: The text.
            start: First code point of the span.
            end: Code point after the span.
        """
        if self is Offsets.CODEPOINT:
            return start, end
        before = _utf16_length(text[:start])
        return before, before + _utf16_length(text[start:end])


def _utf16_length(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)
