"""Cells, rows and sources of the tables that `render.py` fills."""

from collections.abc import Iterable, Sequence
from typing import Any

from common import Result


def row(*cells: object) -> str:
    """A row of a Markdown table.

    Args:
        cells: What stands in it; a list stands for its items.
    """
    return f"| {' | '.join(flat(cells))} |"


def head(*cells: object) -> str:
    """The head of a Markdown table, and the line below it.

    Args:
        cells: Names of the columns; a list stands for its items.
    """
    names = "|".join(f" {name} " if name else " " for name in flat(cells))
    return f"|{names}|\n|{'---|' * (names.count('|') + 1)}"


def flat(cells: Iterable[object]) -> list[str]:
    """Cells as text, with the items of a list in its place."""
    found: list[str] = []
    for cell in cells:
        if isinstance(cell, str) or not isinstance(cell, Iterable):
            found.append(str(cell))
        else:
            found += map(str, cell)
    return found


def source(script: str, *results: Result) -> str:
    """The line below a table: what was run, and the files it wrote.

    Args:
        script: Name of the script, with options where these matter.
        results: What the table shows.
    """
    name, _, options = script.partition(" ")
    command = f"python benchmarks/{name}.py {options}".rstrip()
    return f"`{command}` → {files_of(results)}"


def derived(*results: Result) -> str:
    """The line below a table whose figures are computed from other benchmarks' results.

    Args:
        results: What they are computed from.
    """
    return f"`python benchmarks/render.py` ← {files_of(results)}"


def files_of(results: Iterable[Result]) -> str:
    """The names of result files, each once."""
    return ", ".join(dict.fromkeys(f"`{result['file']}`" for result in results))


def number(value: float, form: str = ",") -> str:
    """A number in one of Python's formats; by default with separators of thousands."""
    return format(value, form)


def formed(values: Iterable[object], pattern: str) -> list[str]:
    """Each of some values in a pattern of `str.format`."""
    return [pattern.format(value) for value in values]


def pick(table: dict[str, Any], names: Iterable[str]) -> list[Any]:
    """What a table holds under some names."""
    return [table[name] for name in names]


def keyed(rows: Iterable[dict[str, Any]], *names: str) -> dict[Any, dict[str, Any]]:
    """Rows by what tells them apart: the value under one name, or the values under several."""
    return {row[names[0]] if len(names) == 1 else tuple(pick(row, names)): row for row in rows}


def three_digits(value: float) -> str:
    """A number with three digits, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def between(value: float, bounds: Sequence[float], sign: str = "", to: str = " ") -> str:
    """A figure, and in brackets where it lies.

    Args:
        value: The figure.
        bounds: Its lowest and highest value.
        sign: ``+``: signs of positive numbers are shown.
        to: What stands between the bounds.
    """
    low, high = bounds
    return f"{value:{sign}.1f} ({low:{sign}.1f}{to}{high:{sign}.1f})"


def interval(scores: dict[str, Any], name: str, sign: str = "") -> str:
    """A score of a row, and in brackets where it lies with 95 %.

    Args:
        scores: Has the score by its name, and its interval by ``<name>_interval``.
        name: The score's.
        sign: ``+``: signs of positive numbers are shown.
    """
    return between(scores[name], scores[f"{name}_interval"], sign)


def ends(spread: dict[str, float], digits: int, unit: str = "") -> str:
    """A median, and in brackets the least and the most of all rounds.

    Args:
        spread: Has ``median``, ``least`` and ``most``.
        digits: Behind the point.
        unit: Follows the median.
    """
    median, least, most = (f"{spread[n]:.{digits}f}" for n in ("median", "least", "most"))
    return f"{median}{unit} ({least} to {most})"


def counts(found: dict[str, int]) -> str:
    """Counts by name, in one line."""
    return ", ".join(f"{name}: {n:,}" for name, n in found.items())
