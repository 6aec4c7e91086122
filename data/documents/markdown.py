"""Markdown (CommonMark with GitHub's tables), parsed by markdown-it-py."""

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from .blocks import Block, BlockKind, BlockList, line_starts
from .html import html_blocks
from .tables import row_text

_PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_TASK = re.compile(r"\[[ xX]\]\s+")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def markdown_blocks(source: str, *, first: int = 0, title: str = "") -> list[Block]:
    """The blocks of a Markdown text.

    Args:
        source: The whole file.
        first: Offset at which the text begins, after front matter.
        title: A heading above all others, or empty.
    """
    text = source[first:]
    blocks = BlockList()
    if title:
        blocks.heading(0, title, start=first, end=first)
    lines = [first + offset for offset in line_starts(text)]
    _Walk(_PARSER.parse(text), lines, blocks).run()
    return blocks.finished()


class _Walk:
    """Goes through markdown-it's tokens once, from the first to the last."""

    def __init__(self, tokens: Sequence[Token], lines: Sequence[int], blocks: BlockList) -> None:
        self._tokens = tokens
        self._lines = lines
        self._blocks = blocks
        self._markers: list[str] = []
        """What the items of each open list begin with; empty for a bullet, which is left out."""
        self._item = ""
        """The marker of an item that has had no paragraph yet."""
        self._header: list[str] = []
        self._cells: list[str] = []

    def run(self) -> None:
        """Fill the list of blocks."""
        for place, token in enumerate(self._tokens):
            match token.type:
                case "inline":
                    self._inline(place, token)
                case "fence" | "code_block":
                    self._add(token, token.content, BlockKind.CODE)
                case "html_block":
                    self._html(token)
                case "bullet_list_open" | "ordered_list_open":
                    self._markers.append("")
                case "bullet_list_close" | "ordered_list_close":
                    self._markers.pop()
                case "list_item_open":
                    self._item = f"{token.info}{token.markup} " if token.info else ""
                    self._markers[-1] = self._item
                case "table_open":
                    self._header = []
                case "tr_open":
                    self._cells = []
                case "thead_close":
                    self._header = self._cells
                case "tr_close" if self._tokens[place + 1].type != "thead_close":
                    row = self._tokens[self._opening(place)]
                    self._add(row, row_text(self._header, self._cells), BlockKind.TABLE_ROW)

    def _inline(self, place: int, token: Token) -> None:
        """A heading, a cell, or a paragraph."""
        text = "".join(_plain(token.children or ()))
        parent = self._tokens[place - 1]
        if parent.type == "heading_open":
            start, end = self._span(parent)
            self._blocks.heading(int(parent.tag[1:]), text, start=start, end=end)
        elif parent.type in ("th_open", "td_open"):
            self._cells.append(text)
        elif self._markers:
            marker, self._item = self._item, ""
            self._add(token, marker + _TASK.sub("", text, count=1), BlockKind.LIST_ITEM)
        else:
            self._add(token, text, BlockKind.PARAGRAPH)

    def _html(self, token: Token) -> None:
        for block in html_blocks(token.content):
            self._add(token, block.text, block.kind)

    def _add(self, token: Token, text: str, kind: BlockKind) -> None:
        start, end = self._span(token)
        self._blocks.add(text, kind, start=start, end=end)

    def _span(self, token: Token) -> tuple[int, int]:
        """Where a token's lines begin and end in the file."""
        assert token.map is not None, token.type
        first, end = token.map
        return self._lines[first], self._lines[min(end, len(self._lines) - 1)]

    def _opening(self, place: int) -> int:
        """Where the row that ends at a place begins."""
        while self._tokens[place].type != "tr_open":
            place -= 1
        return place


def _plain(tokens: Sequence[Token]) -> Iterator[str]:
    """The words of a paragraph, without emphasis, links' targets and HTML tags."""
    for token in tokens:
        match token.type:
            case "text" | "code_inline" | "text_special":
                yield token.content
            case "softbreak":
                yield " "
            case "hardbreak":
                yield "\n"
            case "image":
                yield from _plain(token.children or ())
            case "html_inline" if _BREAK.fullmatch(token.content):
                yield " "
