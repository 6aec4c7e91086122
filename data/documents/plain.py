"""Plain text: paragraphs between blank lines."""

import re

from .blocks import Block, BlockList

_PARAGRAPH = re.compile(r"\S[^\n]*(?:\n[^\S\n]*\S[^\n]*)*")
_SENTENCE_END = re.compile(r"[.!?…:][\"'”’)\]]*$")
_UNDERLINE = re.compile(r"([=~*#^-])\1{2,}")
_TITLE_WORDS = 12
"""A longer first line is text, not a title."""
_WRAPPED_AT = 60
"""A line of so many characters is taken to go on in the next, unless it ends a sentence."""


def plain_blocks(source: str) -> list[Block]:
    """The blocks of a text.

    A short first line that stands alone and ends no sentence is the title. A line below which a row
    of one mark stands (``=====``) is a heading.

    Args:
        source: The whole file.
    """
    blocks = BlockList()
    text = source.replace("\r\n", " \n").replace("\r", "\n")
    for number, match in enumerate(_PARAGRAPH.finditer(text)):
        start, end = match.start(), match.start() + len(match[0].rstrip())
        lines = [line.strip() for line in match[0].split("\n")]
        if len(lines) > 1 and _UNDERLINE.fullmatch(lines[1]):
            level = 1 if lines[1][0] == "=" else 2
            blocks.heading(level, lines[0], start=start, end=end)
            lines = lines[2:]
        elif number == 0 and len(lines) == 1 and _is_title(lines[0]):
            blocks.heading(1, lines[0], start=start, end=end)
            continue
        blocks.add(joined_lines(lines), start=start, end=end)
    return blocks.finished()


def joined_lines(lines: list[str]) -> str:
    """Lines of a paragraph; those that were wrapped are one line again.

    Args:
        lines: Without white space around them.
    """
    parts: list[str] = []
    n_of_line = 0
    for line in lines:
        if parts:
            goes_on = n_of_line >= _WRAPPED_AT and not _SENTENCE_END.search(parts[-1])
            parts.append(" " if goes_on else "\n")
            n_of_line = n_of_line + 1 if goes_on else 0
        parts.append(line)
        n_of_line += len(line)
    return "".join(parts)


def _is_title(line: str) -> bool:
    """Whether a line that stands alone looks like a title."""
    return len(line.split()) <= _TITLE_WORDS and not _SENTENCE_END.search(line)
