"""PDF, by pypdf: lines of text with their place on the page, joined to paragraphs."""

import re
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import DataError
from .blocks import Block, BlockKind, BlockList

_HEADING_SIZE = 1.15
"""Times the size of the running text that a heading's letters have at least."""
_HEADING_WORDS = 15
_HEADING_LEVELS = 9
"""Sizes of letters that make a heading; smaller ones do not, as where each line has its own."""
_GAP = 1.6
"""Times the usual distance of two lines that separates paragraphs."""
_LEADING = 1.3
"""Times the size of the letters that the usual distance of two lines is at most."""
_EDGE_LINES = 2
"""Lines at the top and bottom of a page that may be a running title or a page number."""
_REPEATED = 0.6
"""Share of the pages on which such a line stands, digits aside."""
_FEW_PAGES = 3
"""With fewer pages, nothing counts as repeated."""
_BULLET = re.compile(r"[•▪◦‣●○■–*-]\s+|(?=\d{1,3}[.)]\s)")
_HYPHEN = re.compile(r"(?<=[a-zà-ÿ])[-\u00ad]$")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a page."""

    text: str
    size: float
    """Height of its letters, in points."""
    y: float
    """Place of its base line, upwards from the bottom of the page."""


def pdf_blocks(file: BinaryIO, path: Path) -> list[Block]:
    """The blocks of a PDF, each with its page.

    Paragraphs, list items and headings are told by the distance of lines and the size of letters.
    Lines that most pages repeat at their top or bottom are left out. Pictures of text are not read.

    Args:
        file: The file, open.
        path: Its path, for errors.

    Raises:
        DataError: If pypdf is not installed, or the file is damaged or encrypted.
    """
    pages = _pages(file, path)
    repeated = _repeated(pages)
    sizes = Counter[float]()
    for page in pages:
        for line in page:
            sizes[line.size] += len(line.text)
    usual = sizes.most_common(1)[0][0] if sizes else 0.0
    larger = sorted({size for size in sizes if size >= usual * _HEADING_SIZE}, reverse=True)
    larger = larger[:_HEADING_LEVELS]
    blocks = BlockList()
    for number, page in enumerate(pages, start=1):
        lines = _without_edges(page, repeated)
        for paragraph in _paragraphs(lines):
            text = _joined([line.text for line in paragraph])
            size = paragraph[0].size
            if size in larger and len(text.split()) <= _HEADING_WORDS:
                blocks.heading(1 + larger.index(size), text, page=number)
            elif bullet := _BULLET.match(text):
                blocks.add(text[bullet.end() :], BlockKind.LIST_ITEM, page=number)
            else:
                blocks.add(text, page=number)
    return blocks.finished()


def _pages(file: BinaryIO, path: Path) -> list[list[_Line]]:
    try:
        from pypdf import PdfReader
    except ImportError:
        raise DataError(
            "expected the package pypdf, which reads PDF, found none. Install the extra: "
            "pip install 'preread[documents]'.",
            path=path,
        ) from None
    try:
        reader = PdfReader(file)
        if reader.is_encrypted and not reader.decrypt(""):
            raise DataError("expected a PDF without a password. Take it off.", path=path)
        return [list(_lines(page)) for page in reader.pages]
    except DataError:
        raise
    except Exception as error:  # whatever a parser raises at a file, it is the file's fault
        raise DataError(
            f"expected a PDF, found what pypdf cannot read ({error}). Write or fetch it again.",
            path=path,
        ) from error


def _lines(page: Any) -> Iterator[_Line]:
    """The lines of a page, in the order in which they were written."""
    pieces: list[tuple[str, float, float]] = []

    def visit(text: str, matrix: Any, text_matrix: Any, font: Any, size: float) -> None:
        a, b, c, d, x, y = text_matrix
        height = round(abs(d * matrix[3]) * size or size, 1)
        pieces.append((text, height, x * matrix[1] + y * matrix[3] + matrix[5]))

    page.extract_text(visitor_text=visit)
    text, size, y = "", 0.0, 0.0
    for piece, height, place in pieces:
        for number, part in enumerate(piece.split("\n")):
            if number:
                yield from _line(text, size, y)
                text, size = "", 0.0
            if part.strip():
                size, y = (height, place) if not text.strip() else (max(size, height), y)
            text += part
    yield from _line(text, size, y)


def _line(text: str, size: float, y: float) -> Iterator[_Line]:
    """A line, unless it is blank."""
    text = " ".join(text.split())
    if text:
        yield _Line(text, size, y)


def _without_digits(text: str) -> str:
    return re.sub(r"\d+", "#", text)


def _repeated(pages: Sequence[Sequence[_Line]]) -> set[str]:
    """Lines at the edges of most pages, digits aside."""
    if len(pages) < _FEW_PAGES:
        return set()
    counts = Counter[str]()
    for page in pages:
        edges = [*page[:_EDGE_LINES], *page[-_EDGE_LINES:]]
        counts.update({_without_digits(line.text) for line in edges})
    return {text for text, n in counts.items() if n >= max(2, _REPEATED * len(pages))}


def _without_edges(page: Sequence[_Line], repeated: set[str]) -> list[_Line]:
    """A page's lines without those that most pages repeat at their edges."""
    last = len(page) - _EDGE_LINES
    return [
        line
        for place, line in enumerate(page)
        if _EDGE_LINES <= place < last or _without_digits(line.text) not in repeated
    ]


def _paragraphs(lines: Sequence[_Line]) -> Iterator[list[_Line]]:
    """Lines that belong together."""
    gaps = [a.y - b.y for a, b in zip(lines, lines[1:], strict=False) if a.size == b.size]
    usual = statistics.median([gap for gap in gaps if gap > 0] or [0.0])
    paragraph: list[_Line] = []
    for _, run in groupby(lines, key=lambda line: line.size):
        for line in run:
            if paragraph:
                gap = paragraph[-1].y - line.y
                distance = min(usual or line.size, _LEADING * line.size)
                begins = gap < 0 or gap > _GAP * distance or _BULLET.match(line.text)
                if begins or line.size != paragraph[-1].size:
                    yield paragraph
                    paragraph = []
            paragraph.append(line)
    if paragraph:
        yield paragraph


def _joined(lines: Sequence[str]) -> str:
    """Lines as one, with words that were divided at their ends whole again."""
    parts: list[str] = []
    for line in lines:
        if parts and _HYPHEN.search(parts[-1]) and line[:1].islower():
            parts[-1] = parts[-1][:-1]
        elif parts:
            parts.append(" ")
        parts.append(line)
    return "".join(parts)
