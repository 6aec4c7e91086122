"""DOCX, by python-docx: paragraphs by their styles, and tables."""

import re
from collections.abc import Iterator
from os import SEEK_END
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZipFile

from ..errors import DataError
from ..io.lines import FREE_EXPANSION_BYTES, MAX_EXPANSION
from .blocks import Block, BlockKind, BlockList
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
        for content in document.iter_inner_content():
            if hasattr(content, "rows"):
                _add_table(blocks, content)
            else:
                _add_paragraph(blocks, content)
        return blocks.finished()
    except DataError:
        raise
    except Exception as error:  # whatever a parser raises at a file, it is the file's fault
        raise DataError(
            f"expected DOCX, found what python-docx cannot read ({error}). Save it again.",
            path=path,
        ) from error


def _check_size(file: BinaryIO, path: Path) -> None:
    """Refuse a file that decompresses to far more than it is.

    Raises:
        BadZipFile: If it is no zip file.
        DataError: If it does.
    """
    n_bytes = sum(member.file_size for member in ZipFile(file).infolist())
    limit = max(FREE_EXPANSION_BYTES, MAX_EXPANSION * file.seek(0, SEEK_END))
    if n_bytes > limit:
        raise DataError(
            f"expected DOCX that expands to at most {limit >> 20:,} MiB, found {n_bytes >> 20:,} "
            "MiB. Check where the file comes from.",
            path=path,
        )
    file.seek(0)


def _add_paragraph(blocks: BlockList, paragraph: Any) -> None:
    """A paragraph, list item or heading."""
    style = (paragraph.style.name if paragraph.style is not None else "").lower()
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
    """The rows of a table."""
    rows = [list(_cells(row)) for row in table.rows]
    header = rows[0] if len(rows) > 1 else []
    for row in rows[1:] or rows:
        blocks.add(row_text(header, row), BlockKind.TABLE_ROW)


def _cells(row: Any) -> Iterator[str]:
    """The texts of a row's cells; a merged cell counts once."""
    last = None
    for cell in row.cells:
        if cell._tc is not last:
            yield cell.text
        last = cell._tc
