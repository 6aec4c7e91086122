"""DOCX, by python-docx: paragraphs by their styles, and tables."""

import re
from collections.abc import Iterator
from os import SEEK_END
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZipFile

from ..errors import DataError
from ..io.lines import FREE_EXPANSION_BYTES, MAX_EXPANSION
from .blocks import MAX_HEADING_CHARS, Block, BlockKind, BlockList
from .tables import row_text

_HEADING = re.compile(r"heading (\d)")


def docx_blocks(file: BinaryIO, path: Path) -> list[Block]:
    """The blocks of a DOCX file.

    Headings and lists are told by the names of their styles (``Heading 1``, ``List Bullet``), or by
    a paragraph's numbering. The first row of a table is its header.

    Args:
        file: The file, open.
        path: Its path, for errors.

    Raises:
        DataError: If python-docx is not installed, or the file is damaged or encrypted.
    """
    try:
        import docx
    except ImportError:
        raise DataError(
            "expected the package python-docx, which reads DOCX, found none. Install the extra: "
            "pip install 'preread[documents]'.",
            path=path,
        ) from None
    try:
        _check_size(file, path)
        document = docx.Document(file)
        blocks = BlockList()
        styles: dict[str | None, str] = {}
        for content in document.iter_inner_content():
            if hasattr(content, "rows"):
                _add_table(blocks, content)
            else:
                _add_paragraph(blocks, content, styles)
        return blocks.finished()
    except DataError:
        raise
    except Exception as error:  # whatever a parser raises at a file, it is the file's fault
        raise DataError(
            f"expected DOCX, found what python-docx cannot read ({error}). Save it again.",
            path=path,
        ) from error


def _check_size(file: BinaryIO, path: Path) -> None:
    """Refuse a file that decompresses to far more than it is."""
    n_bytes = sum(member.file_size for member in ZipFile(file).infolist())
    limit = max(FREE_EXPANSION_BYTES, MAX_EXPANSION * file.seek(0, SEEK_END))
    if n_bytes > limit:
        raise DataError(
            f"expected DOCX that expands to at most {limit >> 20:,} MiB, found {n_bytes >> 20:,} "
            "MiB. Check where the file comes from.",
            path=path,
        )
    file.seek(0)


def _add_paragraph(blocks: BlockList, paragraph: Any, styles: dict[str | None, str]) -> None:
    """A paragraph, list item or heading; ``styles`` keeps names, which python-docx searches for."""
    identifier = paragraph._p.style
    if identifier not in styles:
        found = paragraph.style
        styles[identifier] = (found.name or "" if found is not None else "").lower()
    style = styles[identifier]
    heading = _HEADING.match(style)
    if style == "title":
        blocks.heading(0, paragraph.text)
    elif heading:
        blocks.heading(int(heading[1]), paragraph.text)
    else:
        properties = paragraph._p.pPr
        is_item = style.startswith("list") or (
            properties is not None and properties.numPr is not None
        )
        blocks.add(paragraph.text, BlockKind.LIST_ITEM if is_item else BlockKind.PARAGRAPH)


def _add_table(blocks: BlockList, table: Any) -> None:
    rows = list(_rows(table))
    header = rows[0] if len(rows) > 1 else []
    for row in rows[1:] or rows:
        blocks.add(row_text(header, row), BlockKind.TABLE_ROW)


def _rows(table: Any) -> Iterator[list[str]]:
    """The texts of each row's cells.

    A cell that spans columns counts once. One that spans rows counts in each, unless it is longer
    than a heading may be. python-docx has a property for this, which makes as many cells as a file
    says that one spans.
    """
    from docx.table import _Cell

    above: dict[int, str] = {}
    for row in table.rows:
        texts: dict[int, str] = {}
        column = row.grid_cols_before
        for cell in row._tr.tc_lst:
            if cell.vMerge == "continue" and column in above:
                repeated = above[column]
                texts[column] = repeated if len(repeated) <= MAX_HEADING_CHARS else ""
            else:
                texts[column] = _Cell(cell, table).text
            column += cell.grid_span
        yield list(texts.values())
        above = texts
