"""Splitting of a text into passages of about 100 words, each a slice of the text."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

TARGET_WORDS = 100
"""Paragraphs are joined up to this many words, the length of DPR's passages."""
MAX_PARAGRAPH_WORDS = 200
"""A longer paragraph is split at the ends of sentences."""

_PARAGRAPH = re.compile(r"\S[^\n]*(?:\n[^\S\n]*\S[^\n]*)*")
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]]*(?=\s)")
_HEADING = re.compile(r"#{1,6}[^\S\n]+[^\n]*")


class TextSpan(NamedTuple):
    """A slice of a text, in code points."""

    start: int
    end: int


def split_text(text: str, *, is_markdown: bool = False) -> list[TextSpan]:
    """Split a text into passages.

    Blank lines separate paragraphs. Paragraphs stay whole and are joined up to ``TARGET_WORDS``
    words. A paragraph of more than ``MAX_PARAGRAPH_WORDS`` words is split at the ends of sentences;
    a sentence stays whole whatever its length. A markdown heading stays with the paragraph below.

    Args:
        text: The whole text.
        is_markdown: Whether lines that start with ``#`` are headings.

    Returns:
        The passages in order; empty where the text is blank.
    """
    paragraphs = (_trim(text, match.span()) for match in _PARAGRAPH.finditer(text))
    blocks = _join_headings(text, paragraphs) if is_markdown else paragraphs
    pieces = (piece for block in blocks for piece in _cut_long(text, block))
    return list(_pack(text, pieces))


def _trim(text: str, span: tuple[int, int]) -> TextSpan:
    """Return the span without white space at its end."""
    start, end = span
    return TextSpan(start, start + len(text[start:end].rstrip()))


def _count_words(text: str, span: TextSpan) -> int:
    """Count the words of a span, which white space separates."""
    return len(text[span.start : span.end].split())


def _join_headings(text: str, paragraphs: Iterable[TextSpan]) -> Iterator[TextSpan]:
    """Yield the paragraphs, those that are only a heading joined with the next."""
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
    """Yield the block or, above ``MAX_PARAGRAPH_WORDS`` words, groups of its sentences."""
    if _count_words(text, block) <= MAX_PARAGRAPH_WORDS:
        yield block
        return
    ends = [match.end() for match in _SENTENCE_END.finditer(text, block.start, block.end)]
    if not ends or ends[-1] < block.end:
        ends.append(block.end)
    starts = [block.start, *(end + _leading_space(text, end) for end in ends[:-1])]
    yield from _pack(text, map(TextSpan, starts, ends))


def _leading_space(text: str, position: int) -> int:
    """Count the white-space characters at a position."""
    end = position
    while end < len(text) and text[end].isspace():
        end += 1
    return end - position


def _pack(text: str, pieces: Iterable[TextSpan]) -> Iterator[TextSpan]:
    """Join neighbouring pieces while they have at most ``TARGET_WORDS`` words together."""
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
