"""Rendering a report as one HTML file, or as Markdown with plots beside it."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from ...data.io.atomic import atomic_path

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --ink: #1f2328; --paper: #ffffff; --line: #d1d9e0; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e6edf3; --paper: #0d1117; --line: #3d444d; }}
}}
body {{ color: var(--ink); background: var(--paper); font: 16px/1.5 system-ui, sans-serif;
  max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.6rem; }} h2 {{ font-size: 1.2rem; margin-top: 2.5rem; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ border-bottom: 1px solid var(--line); padding: 0.2rem 1rem 0.2rem 0; text-align: left;
  vertical-align: top; overflow-wrap: anywhere; }}
td:first-child {{ white-space: nowrap; }}
img {{ width: 100%; height: auto; }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a report."""

    title: str
    text: str
    columns: tuple[str, ...]
    """Headings of its table; empty for a table without headings."""
    rows: Sequence[Sequence[str]]
    """Rows of its table."""
    figure: tuple[str, str] | None = None
    """Name of a plot, and its SVG."""


def write_html(path: Path, title: str, sections: Sequence[Section]) -> None:
    """Write one file that needs no other file and no network.

    Args:
        path: The file.
        title: Title of the report.
        sections: Sections in their order.
    """
    body = "\n".join(_html(section) for section in sections)
    _write(path, _PAGE.format(title=escape(title), body=body))


def write_markdown(path: Path, title: str, sections: Sequence[Section]) -> None:
    """Write a file, and beside it ``NAME-….svg`` for the plot of each section.

    Args:
        path: The file.
        title: Title of the report.
        sections: Sections in their order.
    """
    parts = [f"# {title}"]
    for section in sections:
        parts.append(f"## {section.title}")
        parts += [section.text] if section.text else []
        if section.figure is not None:
            name, svg = section.figure
            plot = path.with_name(f"{path.stem}-{name}.svg")
            _write(plot, svg)
            parts.append(f"![{section.title}](<{plot.name}>)")
        parts.append(_markdown_table(section))
    _write(path, "\n\n".join(parts) + "\n")


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _html(section: Section) -> str:
    parts = [f"<h2>{escape(section.title)}</h2>"]
    parts += [f"<p>{escape(section.text)}</p>"] if section.text else []
    if section.figure is not None:
        data = base64.b64encode(section.figure[1].encode("utf-8")).decode("ascii")
        alt = f"Plot; the table below has its numbers: {section.title}"
        parts.append(f'<img alt="{escape(alt)}" src="data:image/svg+xml;base64,{data}">')
    head = "".join(f"<th>{escape(name)}</th>" for name in section.columns)
    rows = [
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in section.rows
    ]
    parts += ["<table>", *([f"<tr>{head}</tr>"] if head else []), *rows, "</table>"]
    return "\n".join(parts)


def _markdown_table(section: Section) -> str:
    """The Markdown of a section's table; Markdown requires headings, so they may be empty."""
    columns = section.columns or ("",) * len(section.rows[0])
    lines = [columns, ("---",) * len(columns), *section.rows]
    return "\n".join("| " + " | ".join(map(_markdown_cell, line)) + " |" for line in lines)


def _markdown_cell(text: str) -> str:
    """The Markdown of a cell, without line ends and with escaped bars."""
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("<", "&lt;")
