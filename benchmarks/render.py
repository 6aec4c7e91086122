"""Fill the tables of README.md, docs and model cards from the benchmarks' results.

    python benchmarks/render.py              # fills every block
    python benchmarks/render.py --check      # changes nothing; fails if a block is out of date
    python benchmarks/render.py --commands   # runs the README's commands again, too

A block stands between ``<!-- name -->`` and ``<!-- /name -->``, on any page; in the metadata of a
model card, which is YAML, each of the two follows ``# ``. Its template is
``tables/name.jinja``, which reads result files by ``newest`` and shapes them by the functions of
`cells.py`.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cells
from common import ROOT, NoResultError, command_line, newest, newest_by
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound
from preread.pipeline.evaluation.reproduction.listing import load_reproductions
from preread.reader.ranking import RANKING_FILE, Ranking
from scaling import WIKIPEDIA, growth
from sizing import DEVICE_TERAFLOPS, shapes, sizing_checked
from wikipedia_estimate import wikipedia_estimate

TABLES = Path(__file__).parent / "tables"
SHIPPED = ROOT / "reader" / "checkpoints" / "deformer-minilm-l6"
BLOCK = re.compile(
    r"(?P<comment>(?:# )?)<!-- (?P<name>[a-z0-9-]+) -->\n"
    r"(?P<body>.*?)(?P=comment)<!-- /(?P=name) -->",
    re.DOTALL,
)
COMMANDS_BLOCK = "commands"
"""The one block that shows what commands print, and no results."""
SAMPLE = "data/sample/passages.jsonl"
COMMANDS = (
    ("index", SAMPLE, "my-index"),
    ("ask", "my-index", "How many keys does a modern piano have?"),
    ("search", "my-index", "longest river", "--top-k", "2"),
    ("evaluate", "my-index", "data/sample/questions.jsonl"),
    ("verify", "my-index"),
)


def pages() -> list[Path]:
    """Pages that may have blocks."""
    cards = (ROOT / "reader" / "checkpoints").glob("*/README.md")
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted(cards)]


def environment() -> Environment:
    """Where templates are rendered: their functions and filters."""
    known = Environment(
        loader=FileSystemLoader(TABLES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701  # Markdown
    )
    known.globals |= {
        "newest": newest,
        "newest_by": newest_by,
        "head": cells.head,
        "row": cells.row,
        "source": cells.source,
        "derived": cells.derived,
        "reproductions": load_reproductions,
        "shipped_ranking": lambda: Ranking.load(SHIPPED / RANKING_FILE),
        "shapes": shapes,
        "sizing_checked": sizing_checked,
        "device_teraflops": DEVICE_TERAFLOPS,
        "growth": growth,
        "n_wikipedia": WIKIPEDIA,
        "wikipedia_estimate": wikipedia_estimate,
    }
    known.filters |= {
        "number": cells.number,
        "digits": cells.three_digits,
        "between": cells.between,
        "interval": cells.interval,
        "ends": cells.ends,
        "formed": cells.formed,
        "keyed": cells.keyed,
        "pick": cells.pick,
        "counts": cells.counts,
    }
    return known


def table(templates: Environment, name: str, page: Path) -> str:
    """What a block holds.

    Args:
        templates: As `environment` made them.
        name: The block's.
        page: Where it stands. Links and pictures are told from there.

    Raises:
        SystemExit: If it has no template, or its template no result.
    """

    def link(path: str) -> str:
        return os.path.relpath(ROOT / path, page.parent)

    try:
        return templates.get_template(f"{name}.jinja").render(link=link).strip("\n")
    except TemplateNotFound as error:
        raise SystemExit(
            f"<!-- {name} -->: expected a template {TABLES / str(error.name)}, found none. Write "
            "it, or correct the block's name."
        ) from error
    except NoResultError as error:
        raise SystemExit(f"<!-- {name} -->: {error}") from error


def commands() -> str:
    """The README's commands and what they print."""
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        for command in COMMANDS:
            words = [str(Path(folder) / word) if word == "my-index" else word for word in command]
            words = [str(ROOT / word) if word == SAMPLE else word for word in words]
            done = subprocess.run(
                [sys.executable, "-m", "preread.pipeline", *words],
                cwd=ROOT, check=True, capture_output=True, text=True,
            )  # fmt: skip
            shown = " ".join(f'"{word}"' if " " in word else word for word in command)
            out = done.stdout.replace(folder + "/", "").replace(str(ROOT) + "/", "").rstrip()
            lines = [line.rstrip() for line in out.splitlines()]
            parts.append("\n".join(["```", f"$ preread {shown}", *lines, "```"]))
    return "\n\n".join(parts)


def rendered(page: Path, body_of: Callable[[str, Path], str | None]) -> tuple[str, list[str]]:
    """A page with its blocks filled.

    Args:
        page: The page as it is.
        body_of: What a block of some name on some page holds; None leaves it as it is.

    Returns:
        The page's text as it should be, and the names of the blocks that differ.
    """
    stale: list[str] = []

    def fill(block: re.Match[str]) -> str:
        body = body_of(block["name"], page)
        if body is None or block["body"] == f"{body}\n":
            return block[0]
        stale.append(block["name"])
        first, last = (f"{block['comment']}<!-- {slash}{block['name']} -->" for slash in ("", "/"))
        return f"{first}\n{body}\n{last}"

    return BLOCK.sub(fill, page.read_text("utf-8")), stale


def main() -> None:
    """Fill or check every page."""
    parser = command_line(__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if one differs")
    parser.add_argument("--commands", action="store_true", help="run the README's commands, too")
    options = parser.parse_args()
    templates = environment()

    def body_of(name: str, page: Path) -> str | None:
        if name == COMMANDS_BLOCK:
            return commands() if options.commands else None
        return table(templates, name, page)

    n_stale = 0
    for page in pages():
        text, stale = rendered(page, body_of)
        for name in stale:
            print(f"{page.relative_to(ROOT)}: {name}")
        n_stale += len(stale)
        if stale and not options.check:
            page.write_text(text, "utf-8")
    if n_stale and options.check:
        raise SystemExit(f"{n_stale} blocks differ. Fill them with `python benchmarks/render.py`.")


if __name__ == "__main__":
    main()
