"""Rows of tables as sentences."""

import re
from collections.abc import Sequence
from itertools import zip_longest

from .blocks import MAX_HEADING_CHARS

_PROPER = re.compile(r"\W*(?:\w*[A-Z0-9]\w*[A-Z0-9]|[A-Z0-9]\b)")
"""A word of capitals or digits, such as SSO, IPv6 or A: it keeps its first letter."""


def row_text(header: Sequence[str], cells: Sequence[str]) -> str:
    """A row of a table as one sentence: the header names each cell. Empty where all cells are.

    ``Plan Business: price per month 1,450 EUR, brokers 12, retention 30 days.`` Cells without text
    are left out; cells are separated by semicolons where one of them has a comma of its own.

    Args:
        header: The table's column names; may be empty or shorter than the row. One of more than
            ``MAX_HEADING_CHARS`` characters is left out.
        cells: The texts of the row's cells.
    """
    named = [
        (_one_line(name).rstrip(":") if len(name) <= MAX_HEADING_CHARS else "", found)
        for name, cell in zip_longest(header[: len(cells)], cells, fillvalue="")
        if (found := _one_line(cell).rstrip(".;, "))
    ]
    if not named:
        return ""
    first, *others = [
        f"{_within_sentence(name) if number else name} {cell}".strip()
        for number, (name, cell) in enumerate(named)
    ]
    separator = "; " if any(", " in cell for _, cell in named[1:]) else ", "
    return f"{first}: {separator.join(others)}." if others else f"{first}."


def _one_line(text: str) -> str:
    """The text without line breaks."""
    return " ".join(text.split())


def _within_sentence(name: str) -> str:
    """A column's name as it stands within a sentence."""
    return name if not name or _PROPER.match(name) else name[0].lower() + name[1:]
