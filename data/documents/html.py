"""HTML, by the standard library's parser, which alone tells where in the source each tag stands."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

from .blocks import Block, BlockKind, BlockList, line_starts
from .tables import row_text

_LEFT_OUT = frozenset(
    """button canvas datalist dialog embed footer iframe math nav noscript object script select
    style svg template textarea video audio""".split()
)
"""Elements whose text is no content."""
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
"""Elements without an end tag."""
_INLINE = frozenset(
    """a abbr acronym b bdi bdo big cite code data del dfn em font i img input ins kbd label mark
    meter output progress q rp rt ruby s samp small span strike strong sub sup time tt u var
    wbr""".split()
)
"""Elements that stand within a line of text; all others begin and end a block."""
_SPACES = re.compile(r"\s+")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_MOST_OPEN = 10
"""Tags, comments and declarations without an end. The parser looks for the end of each in all that
follows; after so many, the rest of the page is text."""


def html_blocks(source: str) -> list[Block]:
    """The blocks of an HTML page or fragment.

    Navigation, footers, scripts and hidden elements are left out; where the page has a ``main``
    element, so is everything outside it.

    Args:
        source: The whole file.
    """
    for only_main in (True, False):
        page = _Page(source, only_main=only_main)
        page.feed(source)
        page.close()
        blocks = page.finished()
        if blocks:
            return blocks
    return []


def html_title(source: str) -> str:
    """The text of a page's ``title`` element; empty where it has none.

    Args:
        source: The whole file.
    """
    page = _Page(source, only_main=True)
    page.feed(source)
    return page.title


@dataclass(slots=True)
class _Table:
    """A table that is open."""

    header: list[str] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)
    """The paragraphs of each cell of the row so far."""
    is_header: bool = True
    """Whether all cells of the row so far are header cells."""
    n_rows: int = 0
    is_layout: bool = False
    """Whether it holds another table: its cells are then blocks like any other."""
    start: int = 0
    """Where its current row begins."""

    def take_row(self) -> list[str]:
        """The texts of the row so far; the next row begins."""
        texts = [" ".join(cell).strip() for cell in self.cells]
        self.cells, self.is_header = [], True
        return texts


class _Page(HTMLParser):
    """Collects blocks while the source is parsed."""

    def __init__(self, source: str, *, only_main: bool) -> None:
        """Begin a page, whose source is fed later."""
        super().__init__(convert_charrefs=True)
        self._title: list[str] = []
        self._lines = line_starts(source.replace("\r", " "))  # the parser counts \n only
        self._n_main = 0 if only_main else 1
        self._blocks = BlockList()
        self._text: list[str] = []
        self._start: int | None = None
        self._left_out: list[str] = []
        self._lists: list[int | None] = []
        self._marker = ""
        self._terms: list[str] = []
        self._in_term = False
        self._tables: list[_Table] = []
        self._heading: int | None = None
        self._n_pre = 0
        self._in_title = False
        self._n_open = 0

    @property
    def title(self) -> str:
        """The text of the title element, on one line."""
        return " ".join("".join(self._title).split())

    def finished(self) -> list[Block]:
        self._flush()
        return self._blocks.finished()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._left_out:
            if tag == self._left_out[0]:
                self._left_out.append(tag)
            return
        values = dict(attrs)
        is_hidden = "hidden" in values or values.get("aria-hidden") == "true"
        if (tag in _LEFT_OUT or is_hidden) and tag not in _VOID:
            if tag not in _INLINE:
                self._flush()
            self._left_out.append(tag)
            return
        if tag == "title":
            self._in_title = True
        elif tag == "br":
            self._text.append("\n")
        elif tag == "img":
            self._text.append(values.get("alt") or "")
        elif tag not in _INLINE:
            self._flush()
            self._begin(tag, values)

    def handle_endtag(self, tag: str) -> None:
        if self._left_out:
            if tag == self._left_out[0]:
                self._left_out.pop()
            return
        if tag == "title":
            self._in_title = False
        elif tag not in _INLINE and tag not in _VOID:
            self._flush()
            self._end(tag)

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self._title.append(data)
        elif not self._left_out and self._n_main:
            if self._start is None and data.strip():
                self._start = self._offset() + len(data) - len(data.lstrip())
            self._text.append(data if self._n_pre else _SPACES.sub(" ", data))

    def parse_starttag(self, i: int) -> int:
        return self._unless_many_open(super().parse_starttag, i)

    def parse_endtag(self, i: int) -> int:
        return self._unless_many_open(super().parse_endtag, i)

    def parse_comment(self, i: int, report: bool = True) -> int:
        return self._unless_many_open(super().parse_comment, i)

    def parse_pi(self, i: int) -> int:
        return self._unless_many_open(super().parse_pi, i)

    def parse_html_declaration(self, i: int) -> int:
        """Parse a declaration, such as the document type."""
        return self._unless_many_open(super().parse_html_declaration, i)

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Parse a marked section; one of an unknown kind is a comment, as browsers take it."""
        try:
            return super().parse_marked_section(i)
        except AssertionError:
            return self.parse_bogus_comment(i)

    def _unless_many_open(self, parse: Callable[[int], int], start: int) -> int:
        """Parse what begins somewhere, unless many have had no end: then the rest is text."""
        if self._n_open >= _MOST_OPEN:
            self.handle_data(unescape(self.rawdata[start:]))
            return len(self.rawdata)
        end = parse(start)
        self._n_open += end < 0
        return end

    def _begin(self, tag: str, values: dict[str, str | None]) -> None:
        """Begin an element that is a block."""
        table = self._tables[-1] if self._tables else None
        if tag == "main":
            self._n_main += 1
        elif tag in _HEADINGS:
            self._heading = _HEADINGS[tag]
        elif tag == "pre":
            self._n_pre += 1
        elif tag in ("ul", "ol", "menu"):
            self._lists.append(1 if tag == "ol" else None)
        elif tag == "li" and self._lists:
            number = self._lists[-1]
            self._marker = "" if number is None else f"{number}. "
            if number is not None:
                self._lists[-1] = number + 1
        elif tag in ("dt", "dd"):
            self._in_term = tag == "dt"
        elif tag == "table":
            if table is not None:
                self._spread(table)
            self._tables.append(_Table(start=self._offset()))
        elif tag == "tr" and table is not None:
            self._end_row(table)
            table.start = self._offset()
        elif tag in ("td", "th") and table is not None and not table.is_layout:
            table.is_header = table.is_header and tag == "th"
            table.cells.append([])

    def _end(self, tag: str) -> None:
        """End an element that is a block."""
        if tag == "main" and self._n_main:
            self._n_main -= 1
        elif tag == "dt":
            self._in_term = False
        elif tag in _HEADINGS:
            self._heading = None
        elif tag == "pre" and self._n_pre:
            self._n_pre -= 1
        elif tag in ("ul", "ol", "menu") and self._lists:
            self._lists.pop()
        elif tag == "dl":
            self._blocks.add(self._taken_term(), start=self._offset(), end=self._offset())
        elif tag in ("tr", "table") and self._tables:
            self._end_row(self._tables[-1])
            if tag == "table":
                self._tables.pop()

    def _flush(self) -> None:
        """Make a block of the text so far."""
        text = "".join(self._text)
        start, end = self._start, self._offset()
        self._text, self._start = [], None
        if not text.strip():
            return
        table = self._tables[-1] if self._tables else None
        if not self._n_pre:
            text = "\n".join(filter(None, (" ".join(line.split()) for line in text.split("\n"))))
        if table is not None and table.cells and not table.is_layout:
            table.cells[-1].append(text)
        elif self._in_term:
            self._terms.append(text)
        elif self._heading is not None:
            self._blocks.heading(self._heading, text, start=start, end=end)
        elif self._n_pre:
            self._blocks.add(text, BlockKind.CODE, start=start, end=end)
        elif self._lists:
            marker, self._marker = self._marker, ""
            self._blocks.add(marker + text, BlockKind.LIST_ITEM, start=start, end=end)
        else:
            term = self._taken_term()
            self._blocks.add(f"{term}: {text}" if term else text, start=start, end=end)

    def _taken_term(self) -> str:
        """The terms of a list of definitions that have no definition yet, each used once."""
        term = ", ".join(filter(None, self._terms))
        self._terms = []
        return term

    def _end_row(self, table: _Table) -> None:
        """Make a block of a table's row, or its header of the first one."""
        is_header, cells = table.is_header, table.take_row()
        if not any(cells):
            return
        if is_header and not table.n_rows:
            table.header = cells
        else:
            text = row_text(table.header, cells)
            end = self._offset()
            self._blocks.add(text, BlockKind.TABLE_ROW, start=table.start, end=end)
        table.n_rows += 1

    def _spread(self, table: _Table) -> None:
        """Take a table for one that only arranges others: what its cells hold are paragraphs."""
        for cell in table.take_row():
            self._blocks.add(cell, start=table.start, end=self._offset())
        table.is_layout = True

    def _offset(self) -> int:
        """Where in the source the parser stands."""
        line, column = self.getpos()
        return self._lines[line - 1] + column
