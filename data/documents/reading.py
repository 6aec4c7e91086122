"""Reading a document, whatever its format.

A format's parser is imported when a document of the format is read: most commands read none.
"""

import codecs
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import DataError
from ..io.peek import data_suffix
from ..io.policy import SourceLocation
from ..records import Metadata
from .blocks import Block
from .front_matter import read_front_matter
from .plain import plain_blocks

_CHARSET = re.compile(rb"<meta[^>]{0,200}charset=[\"']?([\w-]+)", re.IGNORECASE)
_NO_CHARSETS = frozenset("idna punycode raw-unicode-escape undefined unicode-escape utf-7".split())
"""Encodings of Python that no page is in."""
_N_PEEKED = 2048
"""Bytes of an HTML file in which its encoding is looked for."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a file holds."""

    blocks: list[Block]
    """In order; none where the file has no text."""
    title: str = ""
    """What the file itself says its title is, outside its headings; mostly empty."""
    metadata: Metadata = field(default_factory=dict)
    """Fields of its front matter."""
    source: str = ""
    """The decoded file, in which blocks have offsets; empty for PDF and DOCX."""


class NotTextError(DataError):
    """A file whose name says text, and whose bytes are something else."""


def read_document(path: Path, content: bytes) -> Document:
    """Parse a file by its suffix.

    Args:
        path: The file's path; ``.gz`` at its end is passed over.
        content: Its bytes, decompressed.

    Raises:
        NotTextError: If a text format is expected and the bytes are no text.
        DataError: If the file is damaged, is not UTF-8, or needs a package that is not installed.
    """
    return _PARSERS[data_suffix(path)](path, content)


def _markdown(path: Path, content: bytes) -> Document:
    from .markdown import markdown_blocks

    source = _decoded(path, content)
    metadata, first = read_front_matter(source)
    title = str(metadata.pop("title", ""))
    return Document(markdown_blocks(source, first=first, title=title), title, metadata, source)


def _html(path: Path, content: bytes) -> Document:
    from .html import html_blocks, html_title

    charset = _CHARSET.search(content[:_N_PEEKED])
    source = _decoded(path, content, charset[1].decode() if charset else "utf-8")
    return Document(html_blocks(source), html_title(source), source=source)


def _plain(path: Path, content: bytes) -> Document:
    source = _decoded(path, content)
    return Document(plain_blocks(source), source=source)


def _pdf(path: Path, content: bytes) -> Document:
    from .pdf import pdf_blocks

    return Document(pdf_blocks(io.BytesIO(content), path))


def _docx(path: Path, content: bytes) -> Document:
    from .docx import docx_blocks

    return Document(docx_blocks(io.BytesIO(content), path))


_PARSERS: dict[str, Callable[[Path, bytes], Document]] = {
    ".md": _markdown,
    ".markdown": _markdown,
    ".html": _html,
    ".htm": _html,
    ".xhtml": _html,
    ".txt": _plain,
    ".text": _plain,
    ".pdf": _pdf,
    ".docx": _docx,
}
DOCUMENT_SUFFIXES = frozenset(_PARSERS)


def _decoded(path: Path, content: bytes, encoding: str = "utf-8") -> str:
    """A file's text, without a byte order mark."""
    if b"\0" in content:
        raise NotTextError("expected text, found binary data. Take the file away.", path=path)
    codec = _charset(encoding)
    try:
        return content.decode("utf-8-sig" if codec == "utf-8" else codec)
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1)
        raise SourceLocation(path, line).error(
            f"expected {codec.upper()}, found byte 0x{content[error.start]:02x} at position "
            f"{column + 1} of the line. Convert the file to UTF-8, for instance with iconv."
        ) from error


def _charset(name: str) -> str:
    """Python's name of the encoding that a page names; UTF-8 where it names none of text."""
    try:
        codec = codecs.lookup(name).name
        "".encode(codec)  # fails with those that do not encode text
    except (LookupError, UnicodeError):
        return "utf-8"
    return "utf-8" if codec in _NO_CHARSETS else codec
