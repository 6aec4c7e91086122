"""User-perceived characters: a letter with its accents, an emoji, a conjunct."""

import regex

_CLUSTER = regex.compile(r"\X")


def whole_characters(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a span so that it does not cut a character.

    One character each are a letter with combining marks, a base with a variation selector, letters
    joined by a zero-width joiner or a virama, and a pair of regional indicators.

    Args:
        text: The text that contains the span.
        start: Offset of the span's first code point.
        end: Offset after its last code point.

    Returns:
        Start and end, moved outwards to the nearest boundaries between characters. An empty span is
        returned unchanged.

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
    """Decide whether an offset is certainly a boundary: between ASCII characters, or at an end."""
    if offset in (0, len(text)):
        return True
    around = text[offset - 1 : offset + 1]
    return around.isascii() and around != "\r\n"
