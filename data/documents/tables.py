"""Rows of tables as sentences."""

import re
from collections.abc import Sequence

_PROPER = re.compile(r"\W*(?:\w*[A-Z0-9]\w*[A-Z0-9]|[A-Z0-9]\b)")
"""A word of capitals or digits, such as SSO, IPv6 or A: it keeps its first letter."""


def row_text(header: Sequence[str], cells: Sequence[str]) -> str:
    """A row of a table as one sentence, in which the header names each cell.

    ``Business: price per month 1,450 EUR, brokers 12, retention 30 days.`` Cells without text are
    left out; cells are separated by semicolons where one of them has a comma of its own.

    Args:
        header: The table's column names; may be empty or shorter than the row.
        cells: The texts of the row's cells.

    Returns:
        The sentence; empty where all cells are.
    """
    names = [*map(_one_line, header), *[""] * len(cells)]
    filled = [(_as_name(name), _one_line(cell)) for name, cell in zip(names, cells, strict=False)]
    filled = [(name, cell.rstrip(".;, ")) for name, cell in filled if cell.strip(".;, ")]
    if not filled:
        return ""
    (_, first), *others = filled
    named = [f"{name} {cell}" if name else cell for name, cell in others]
    separator = "; " if any(", " in cell for _, cell in filled[1:]) else ", "
    rest = separator.join(named)
    return f"{first}: {rest}." if rest else f"{first}."


def _one_line(text: str) -> str:
    """The text without line breaks."""
    return " ".join(text.split())


def _as_name(name: str) -> str:
    """A column's name within a sentence."""
    name = name.rstrip(":")
    if not name or _PROPER.match(name):
        return name
    return name[0].lower() + name[1:]
