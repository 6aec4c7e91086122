"""Characters as people see them: one letter with its accents, one emoji, one conjunct."""

import regex

_CLUSTER = regex.compile(r"\X")


def whole_characters(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a span so that it cuts no character in two.

    A letter followed by combining marks, a base with a variation selector, letters joined by a
    zero-width joiner or a virama, and a pair of regional indicators are one character each.

    Args:
        text: What the span is of.
        start: Offset of its first code point.
        end: Offset after its last one.

    Returns:
        Start and end, moved outwards to the next boundaries between characters. An empty span is
        returned as it is.

    Source: extended grapheme clusters, Unicode Standard Annex 29
    (https://www.unicode.org/reports/tr29), section 3.1.1.
    """
    if text.isascii() or start >= end:
        return start, end
    first, last = start, end
    while not _is_boundary(text, first):
        first -= 1
    while not _is_boundary(text, last):
        last += 1
    for match in _CLUSTER.finditer(text, first, last):
        begins, ends = match.span()
        if begins < start < ends:
            start = begins
        if begins < end < ends:
            end = ends
    return start, end


def _is_boundary(text: str, offset: int) -> bool:
    """Whether a character surely begins at an offset: between two ASCII ones, or at an end."""
    if offset in (0, len(text)):
        return True
    around = text[offset - 1 : offset + 1]
    return around.isascii() and around != "\r\n"
