"""Blocks: the paragraphs, list items, table rows and code of a document, in plain text."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from ..text.characters import is_blank

MAX_HEADING_CHARS = 300
"""A longer heading is a paragraph, and a longer name of a column is left out: both are repeated in
every passage below them, so that a small file would become a large corpus."""
_NEWLINE = re.compile(r"\r\n?|\n")
_NO_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]+")
"""Control characters, and halves of surrogate pairs, which some PDF files bring along."""


class BlockKind(StrEnum):
    """What a block is in its document."""

    PARAGRAPH = "paragraph"
    LIST_ITEM = "list item"
    TABLE_ROW = "table row"
    CODE = "code"
    HEADING = "heading"
    """A heading with nothing below it; any other is in the `headings` of the blocks below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A piece of a document that makes sense by itself, without its markup."""

    text: str
    kind: BlockKind = BlockKind.PARAGRAPH
    headings: tuple[str, ...] = ()
    """The headings above it, the outermost first."""
    start: int | None = None
    """Where its source begins in the decoded file, in code points; None where the format has no
    text to count in (PDF, DOCX)."""
    end: int | None = None
    """Where its source ends, exclusive; None where ``start`` is."""
    page: int | None = None
    """The page it stands on, from 1; None where the format has no pages."""


class BlockList:
    """Collects the blocks of a document in order, and knows the headings above each."""

    def __init__(self) -> None:
        """Begin without headings."""
        self._blocks: list[Block] = []
        self._path: list[tuple[int, str]] = []
        self._unused: tuple[int, Block] | None = None

    def heading(
        self,
        level: int,
        text: str,
        *,
        start: int | None = None,
        end: int | None = None,
        page: int | None = None,
    ) -> None:
        """Note a heading.

        Args:
            level: Its depth; a heading closes all others of its depth and below.
            text: Its words. A heading without any is passed over; one of more than
                ``MAX_HEADING_CHARS`` characters is a paragraph.
            start: Where its source begins, in code points.
            end: Where its source ends, exclusive.
            page: The page it stands on, from 1.
        """
        text = " ".join(_NO_TEXT.sub(" ", text).split())
        if is_blank(text):
            return
        if len(text) > MAX_HEADING_CHARS:
            self.add(text, start=start, end=end, page=page)
            return
        self._keep_unused(level)
        self._path = [(depth, above) for depth, above in self._path if depth < level]
        block = Block(text=text, kind=BlockKind.HEADING, start=start, end=end, page=page)
        self._unused = level, replace(block, headings=self._headings())
        self._path.append((level, text))

    def add(
        self,
        text: str,
        kind: BlockKind = BlockKind.PARAGRAPH,
        *,
        start: int | None = None,
        end: int | None = None,
        page: int | None = None,
    ) -> None:
        """Add a block below the headings noted last.

        Args:
            text: Plain text; a block without any is passed over, and so are blank lines of code.
            kind: What the block is.
            start: Where its source begins, in code points.
            end: Where its source ends, exclusive.
            page: The page it stands on, from 1.
        """
        text = _NO_TEXT.sub(" ", text)
        if kind is BlockKind.CODE:
            text = "\n".join(line.rstrip() for line in text.splitlines() if line.strip())
        else:
            text = text.strip()
        if is_blank(text):
            return
        self._unused = None
        self._blocks.append(
            Block(text=text, kind=kind, headings=self._headings(), start=start, end=end, page=page)
        )

    def finished(self) -> list[Block]:
        """All blocks, in order."""
        self._keep_unused(0)
        return self._blocks

    def _headings(self) -> tuple[str, ...]:
        return tuple(text for _, text in self._path)

    def _keep_unused(self, level: int) -> None:
        """Make a block of the last heading, unless something deeper comes below it."""
        if self._unused is not None and level <= self._unused[0]:
            self._blocks.append(self._unused[1])
        self._unused = None


def line_starts(source: str) -> list[int]:
    r"""Offsets at which the lines of a text begin, and of its end.

    Args:
        source: The text; ``\n``, ``\r\n`` and ``\r`` end a line.
    """
    return [0, *(match.end() for match in _NEWLINE.finditer(source)), len(source)]
