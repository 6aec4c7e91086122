"""Passages of about a hundred words, cut from the blocks of a document."""

import os.path
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ..text.sentences import sentence_ranges
from .blocks import Block, BlockKind

TARGET_WORDS = 100
"""Blocks are packed up to this many words; DPR's passages have as many."""
MAX_BLOCK_WORDS = 200
"""A block with more is cut at the ends of sentences."""
SHORT_WORDS = 25
"""A passage with fewer words takes in what comes next, and so does one that would leave so few
alone, though it belongs to another section."""
BLOCK_SEPARATOR = "\n\n"
"""Stands between the blocks of a passage; lines of one block, items of a list and rows of a table
are on lines of their own, without a blank one between."""
_TITLE_SEPARATOR = ": "
_DEFINITION = re.compile(r"[^\W_][^.:?!]{0,40}: \S")
_ANSWERED = re.compile(r"[^.:?!]{3,150}\?\s+\S")
_LINE_KINDS = frozenset({BlockKind.LIST_ITEM, BlockKind.TABLE_ROW})
_ENDS = (".", "!", "?", "…", ":", ";", ",")


@dataclass(frozen=True, slots=True)
class DocumentPassage:
    """A passage of a document."""

    title: str
    """The headings above all of it, the outermost first."""
    text: str
    start: int | None
    """Where its source begins in the decoded file, in code points."""
    end: int | None
    """Where its source ends, exclusive."""
    page: int | None


def cut_passages(blocks: Iterable[Block]) -> list[DocumentPassage]:
    """Cut a document into passages.

    A passage has blocks of one page, and of one section unless that is short. Rows of tables, items
    that explain a term, and answered questions are passages of their own. What comes later in the
    document changes no passage but the last one before it.

    Args:
        blocks: All blocks of the document, in order.
    """
    pieces = (piece for block in blocks for piece in _cut_long(block))
    return [_joined(some) for some in _pack(pieces)]


def _n_words(block: Block) -> int:
    """Words are what white space separates."""
    return len(block.text.split())


def _cut_long(block: Block) -> Iterator[Block]:
    """The block itself or, if it is long, parts of it."""
    if _n_words(block) <= MAX_BLOCK_WORDS:
        yield block
        return
    part: list[str] = []
    for sentence in _sentences(block):
        if part and len(part) + len(sentence.split()) > TARGET_WORDS:
            yield replace(block, text=" ".join(part))
            part = []
        part += sentence.split(" ")
    yield replace(block, text=" ".join(part))


def _sentences(block: Block) -> Iterator[str]:
    """Sentences of a paragraph, or lines of code; what is longer than a passage is cut further."""
    text = block.text
    if block.kind is BlockKind.CODE:
        parts = [line + "\n" for line in text.splitlines()]
    else:
        parts = [text[start:end] for start, end in sentence_ranges(text)]
    for part in parts:
        words = part.split(" ")
        for first in range(0, len(words), TARGET_WORDS):
            yield " ".join(words[first : first + TARGET_WORDS])


def _pack(pieces: Iterable[Block]) -> Iterator[list[Block]]:
    """Neighbouring pieces that make a passage each."""
    passage: list[Block] = []
    n_words = 0
    for piece in pieces:
        n = _n_words(piece)
        if passage and _begins(passage, n_words, piece, n):
            lead = [passage.pop()] if len(passage) > 1 and _leads_in(passage[-1], piece) else []
            yield passage
            passage, n_words = lead, sum(map(_n_words, lead))
        passage.append(piece)
        n_words += n
    if passage:
        yield passage


def _begins(passage: Sequence[Block], n_words: int, piece: Block, n: int) -> bool:
    """Whether a piece begins a new passage."""
    last = passage[-1]
    if piece.page != last.page or piece.headings[:1] != last.headings[:1]:
        return True
    if _stands_alone(piece) or _stands_alone(last):
        return True
    is_new_section = piece.headings != last.headings
    if is_new_section and (_is_question(piece.headings) or _is_question(last.headings)):
        return True
    is_short = min(n, n_words) < SHORT_WORDS
    if n_words + n > TARGET_WORDS + SHORT_WORDS * is_short:
        return True
    return is_new_section and n_words >= SHORT_WORDS


def _stands_alone(block: Block) -> bool:
    """Whether a block is a passage of its own: the words of its neighbours draw readers away.

    Such are rows of tables, items that explain a term, and questions that are answered at once.
    """
    if block.kind is BlockKind.TABLE_ROW:
        return True
    if block.kind is BlockKind.LIST_ITEM:
        return _DEFINITION.match(block.text) is not None
    return block.kind is BlockKind.PARAGRAPH and _ANSWERED.match(block.text) is not None


def _is_question(headings: Sequence[str]) -> bool:
    """Whether the innermost heading asks what its section answers."""
    return bool(headings) and headings[-1].endswith("?")


def _leads_in(block: Block, piece: Block) -> bool:
    """Whether a block announces the next: a list, a table or an example."""
    return block.text.endswith(":") and block.headings == piece.headings


def _joined(blocks: Sequence[Block]) -> DocumentPassage:
    """Pieces as one passage; headings that are not above all of them stand in the text."""
    common = _common([block.headings for block in blocks])
    text, above, last = "", common, None
    for block in blocks:
        line = _ended(block.text) if block.kind in _LINE_KINDS else block.text
        if block.headings != above:
            new = block.headings[len(_common([above, block.headings])) :]
            if block.kind is not BlockKind.HEADING and new:
                line = f"{_ended(_TITLE_SEPARATOR.join(new), ':')}\n{line}"
        is_next_line = last is not None and block.kind in _LINE_KINDS
        goes_on = (
            is_next_line
            and last is not None
            and (last.kind is block.kind or _leads_in(last, block))
        )
        if text:
            text += "\n" if goes_on and block.headings == above else BLOCK_SEPARATOR
        text += line
        above, last = block.headings, block
    starts = [block.start for block in blocks if block.start is not None]
    ends = [block.end for block in blocks if block.end is not None]
    return DocumentPassage(
        title=_TITLE_SEPARATOR.join(common),
        text=text,
        start=min(starts, default=None),
        end=max(ends, default=None),
        page=blocks[0].page,
    )


def _common(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """What all paths begin with."""
    return tuple(os.path.commonprefix([list(path) for path in paths]))


def _ended(text: str, end: str = ".") -> str:
    """A line with a mark at its end, so that what reads the passage knows it ends there."""
    return text if text.endswith(_ENDS) else text + end
