"""Options that several commands share, and printing."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...data.io.outside import printable

IndexPath = Annotated[Path, typer.Argument(metavar="INDEX", help="Folder of the index.")]


def _local(location: str) -> Path:
    """A folder as it is; of an index on an object store, a copy."""
    if "://" not in location:
        return Path(location)
    from ...indexer.remote.copies import local_index

    return local_index(location, show_progress=True)


ReadIndex = Annotated[
    Path,
    typer.Argument(metavar="INDEX", help="Folder of the index, or its URL.", parser=_local),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
TopK = Annotated[int, typer.Option(help="Passages that are read.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first N.")]
MinConfidence = Annotated[
    float,
    typer.Option(help="Below this probability of being right, nothing is answered; 0: never."),
]
Retriever = Annotated[
    str,
    typer.Option(
        metavar="RETRIEVER",
        help="What finds passages: bm25, dense, hybrid, or an engine's URL "
        "(docs/guide/retrieval.md).",
    ),
]
Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        metavar="CONDITION",
        help="Only passages whose metadata fits: page=3, date>=2025, document~faq/*; all must.",
    ),
]
K1 = Annotated[float, typer.Option(help="BM25: how soon a word's repetitions stop counting.")]
B = Annotated[float, typer.Option(help="BM25: how far long passages are held back, 0 to 1.")]
Device = Annotated[str, typer.Option(help="Where the reader runs: cpu, cuda, cuda:1 …")]
Runtime = Annotated[
    str, typer.Option(help="What computes the upper layers: torch, or onnx-int8 (needs the extra).")
]
Precision = Annotated[str, typer.Option(help="With torch: float32 or bfloat16.")]
StopMargin = Annotated[
    float | None,
    typer.Option(
        help="Stop reading when the best answer is ahead by so many logits; inf reads all. "
        "Default: what the reader's ranking says."
    ),
]


def print_json(content: Any) -> None:
    """One JSON object, on one line; escaped where standard output lacks Unicode's characters."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    typer.echo(json.dumps(content, ensure_ascii=not encoding.startswith("utf")))


def print_table(content: dict[str, Any]) -> None:
    """Names and values, for a person."""
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in content.items():
        if isinstance(value, dict):
            value = "  ".join(f"{key}: {inner}" for key, inner in value.items())
        shown = f"{value:,}" if type(value) is int else printable(str(value))
        table.add_row(name.replace("_", " "), Text(shown))  # not markup, whatever is in it
    Console().print(table)


def with_ends(score: float, interval: list[float]) -> str:
    """A score and where it may lie, for a person."""
    return f"{score} ({interval[0]} to {interval[1]})"
