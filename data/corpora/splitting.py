"""Cutting a text into passages of about a hundred words, each a verbatim slice of it."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

TARGET_WORDS = 100
"""Paragraphs are packed up to this many words; DPR's passages have as many."""
MAX_PARAGRAPH_WORDS = 200
"""A paragraph with more is cut at the ends of sentences."""

_PARAGRAPH = re.compile(r"\S[^\n]*(?:\n[^\S\n]*\S[^\n]*)*")
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]]*(?=\s)")
_HEADING = re.compile(r"#{1,6}[^\S\n]+[^\n]*")


class TextSpan(NamedTuple):
    """A slice of a text, in code points."""

    start: int
    end: int


def split_text(text: str, *, is_markdown: bool = False) -> list[TextSpan]:
    """Cut a text into passages.

    Paragraphs, which blank lines separate, are packed up to ``TARGET_WORDS`` words and stay whole;
    one above ``MAX_PARAGRAPH_WORDS`` is cut at the ends of sentences, and a sentence stays whole
    whatever its length. A markdown heading stays with the paragraph below it.

    Args:
        text: The whole text.
        is_markdown: Whether a line that starts with ``#`` is a heading.

    Returns:
        The passages in order; none where the text is blank.
    """
    paragraphs = (_trim(text, match.span()) for match in _PARAGRAPH.finditer(text))
    blocks = _join_headings(text, paragraphs) if is_markdown else paragraphs
    pieces = (piece for block in blocks for piece in _cut_long(text, block))
    return list(_pack(text, pieces))


def _trim(text: str, span: tuple[int, int]) -> TextSpan:
    """The span without white space at its end."""
    start, end = span
    return TextSpan(start, start + len(text[start:end].rstrip()))


def _count_words(text: str, span: TextSpan) -> int:
    """Words are what white space separates."""
    return len(text[span.start : span.end].split())


def _join_headings(text: str, paragraphs: Iterable[TextSpan]) -> Iterator[TextSpan]:
    """Each paragraph that is only a heading, joined with the next."""
    heading: TextSpan | None = None
    for paragraph in paragraphs:
        start = heading.start if heading else paragraph.start
        block = TextSpan(start, paragraph.end)
        if _HEADING.fullmatch(text, paragraph.start, paragraph.end):
            heading = block
        else:
            heading = None
            yield block
    if heading:
        yield heading


def _cut_long(text: str, block: TextSpan) -> Iterator[TextSpan]:
    """The block itself or, above ``MAX_PARAGRAPH_WORDS``, its sentences packed."""
    if _count_words(text, block) <= MAX_PARAGRAPH_WORDS:
        yield block
        return
    ends = [match.end() for match in _SENTENCE_END.finditer(text, block.start, block.end)]
    if not ends or ends[-1] < block.end:
        ends.append(block.end)
    starts = [block.start, *(end + _leading_space(text, end) for end in ends[:-1])]
    yield from _pack(text, map(TextSpan, starts, ends))


def _leading_space(text: str, position: int) -> int:
    """Number of white-space characters at a position."""
    end = position
    while end < len(text) and text[end].isspace():
        end += 1
    return end - position


def _pack(text: str, pieces: Iterable[TextSpan]) -> Iterator[TextSpan]:
    """Neighbouring pieces joined while they have at most ``TARGET_WORDS`` words together."""
    passage: TextSpan | None = None
    n_words = 0
    for piece in pieces:
        n_piece_words = _count_words(text, piece)
        if passage and n_words + n_piece_words <= TARGET_WORDS:
            passage, n_words = TextSpan(passage.start, piece.end), n_words + n_piece_words
            continue
        if passage:
            yield passage
        passage, n_words = piece, n_piece_words
    if passage:
        yield passage
