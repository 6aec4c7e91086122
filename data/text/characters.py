"""User-perceived characters: a letter with its accents, an emoji, a conjunct."""

import regex

_CLUSTER = regex.compile(r"\X")
_JOINS_FURTHER = regex.compile(
    r"[\p{Grapheme_Cluster_Break=Extend}\p{Grapheme_Cluster_Break=ZWJ}"
    r"\p{Grapheme_Cluster_Break=Regional_Indicator}]"
)
"""Characters after which a boundary depends on what stands before them."""
_BLANK = regex.compile(r"[\s\p{Cc}\p{Default_Ignorable_Code_Point}]*")
"""White space, control characters, and what Unicode says to show nothing for."""


def is_blank(text: str) -> bool:
    """Decide whether a text shows nothing: only white space, control and invisible characters.

    Args:
        text: The text.

    Source: Default_Ignorable_Code_Point, Unicode Standard, section 5.21.
    """
    return _BLANK.fullmatch(text) is not None


def whole_characters(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a span so that it does not cut a character.

    One character each are a letter with combining marks, a base with a variation selector, emoji
    with a zero-width joiner between them, a pair of regional indicators, a syllable of Hangul, and
    the consonants of a conjunct in the scripts for which Unicode defines conjuncts, such as
    Devanagari, Bengali and Malayalam. In other scripts, such as Tamil, a virama belongs to the
    consonant before it, and does not join the next one.

    Args:
        text: The text that contains the span.
        start: Offset of the span's first code point.
        end: Offset after its last code point.

    Returns:
        Start and end, moved outwards to the nearest boundaries between characters. An empty span is
        returned unchanged.

    Source: extended grapheme clusters, Unicode Standard Annex 29
    (https://www.unicode.org/reports/tr29), section 3.1.1, with the conjuncts (rule GB9c) that the
    installed release of the package ``regex`` knows.
    """
    if text.isascii() or start >= end:
        return start, end
    first, last = start, end
    while not _is_boundary(text, first):
        first -= 1
    while not _is_boundary(text, last):
        last += 1
    if (first, last) == (start, end):
        return start, end
    for match in _CLUSTER.finditer(text, first, last):
        begins, ends = match.span()
        if begins < start < ends:
            start = begins
        if begins < end < ends:
            end = ends
    return start, end


def _is_boundary(text: str, offset: int) -> bool:
    """Decide whether an offset is certainly a boundary, by the two characters around it."""
    if offset in (0, len(text)):
        return True
    around = text[offset - 1 : offset + 1]
    if around.isascii():
        return around != "\r\n"
    if _JOINS_FURTHER.match(around):
        return False
    cluster = _CLUSTER.match(around)
    return cluster is not None and cluster.end() == 1
