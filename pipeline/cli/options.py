"""Options that several commands share, and printing."""

import json
import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...data import OnError, PrereadError
from ...data.io.outside import printable

_Choice = TypeVar("_Choice", bound=StrEnum)

IndexPath = Annotated[Path, typer.Argument(metavar="INDEX", help="Folder of the index.")]


def _local(location: str) -> Path:
    """The folder of an index; an index at a URL is copied first."""
    if "://" not in location:
        return Path(location)
    from ...indexer.remote.copies import local_index

    return local_index(location, show_progress=True)


ReadIndex = Annotated[
    Path,
    typer.Argument(metavar="INDEX", help="Folder or URL of the index.", parser=_local),
]
ReaderName = Annotated[
    str, typer.Argument(metavar="READER", help="'default', a folder, or a hub name.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
TopK = Annotated[int, typer.Option(help="Number of passages to read.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Use only the first N records.")]
OnBadRecord = Annotated[
    OnError, typer.Option(help="At a record that cannot be used: fail, or skip and count it.")
]
MinConfidence = Annotated[
    float,
    typer.Option(help="Give no answer whose probability of being right is lower; 0: always give."),
]
Retriever = Annotated[
    str,
    typer.Option(
        metavar="RETRIEVER",
        help="What finds passages: auto, bm25, dense, hybrid, bm25-rerank, or the URL of a search "
        "engine (docs/guide/retrieval.md).",
    ),
]
Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        metavar="CONDITION",
        help="Use only passages with such metadata: page=3, date>=2025, document~faq/*. May be "
        "given more than once.",
    ),
]
K1 = Annotated[float, typer.Option(help="BM25: saturation of a word's frequency, 0 to 1,000.")]
B = Annotated[float, typer.Option(help="BM25: normalisation by passage length, 0 to 1.")]
Device = Annotated[str, typer.Option(help="Device of the reader: cpu, cuda, cuda:1 …")]
Runtime = Annotated[
    str, typer.Option(help="Runtime of the upper layers: torch, or onnx-int8 (needs the extra).")
]
Precision = Annotated[str, typer.Option(help="Number format under torch: float32 or bfloat16.")]
StopMargin = Annotated[
    float | None,
    typer.Option(
        help="Stop reading when the best answer leads by so many logits; inf: read all passages. "
        "Default: the value in the reader's ranking."
    ),
]


_CONTROLS = re.compile(r"[\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Characters that control a terminal or reverse its writing, and that `json` leaves as they are."""


def print_json(content: Any) -> None:
    """Print one JSON object on one line.

    Args:
        content: What `json.dumps` takes. Characters outside ASCII are escaped if the encoding of
            standard output is not one of Unicode's, and those that control a terminal always.
    """
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    text = json.dumps(content, ensure_ascii=not encoding.startswith("utf"))
    typer.echo(_CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def print_table(content: dict[str, Any]) -> None:
    """Print names and values for a person.

    Args:
        content: Values by name; a value may be a dictionary of its own.
    """
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in content.items():
        if isinstance(value, dict):
            value = "  ".join(f"{key}: {inner}" for key, inner in value.items())
        shown = f"{value:,}" if type(value) is int else printable(str(value))
        table.add_row(name.replace("_", " "), Text(shown))  # rich must not take it for markup
    Console().print(table)


def print_info(index: Path, json: bool) -> None:
    """Print what an index holds.

    Args:
        index: Folder of the index.
        json: Whether to print JSON instead of a table.
    """
    from ...indexer import Manifest, index_info
    from ..retrievers.names import default_retriever

    retriever = default_retriever(Manifest.load(index).dense)
    content = {**index_info(index), "retriever": retriever.value}
    print_json(content) if json else print_table(content)


def with_ends(score: float, interval: list[float]) -> str:
    """A score with its confidence interval, for a person.

    Args:
        score: The score.
        interval: Lower and upper end.
    """
    return f"{score} ({interval[0]} to {interval[1]})"


def with_intervals(content: dict[str, Any]) -> dict[str, Any]:
    """Results for a person: each score with its interval, None as "none".

    Args:
        content: Results by name. ``NAME_interval`` is the interval of ``NAME``; both may be
            dictionaries with the same keys.
    """
    ends = {name: value for name, value in content.items() if name.endswith("_interval")}
    table = {name: value for name, value in content.items() if name not in ends}
    for name, interval in ends.items():
        scores = table[name.removesuffix("_interval")]
        table[name.removesuffix("_interval")] = (
            {k: with_ends(scores[k], of_k) for k, of_k in interval.items()}
            if isinstance(interval, dict)
            else with_ends(scores, interval)
        )
    return {name: "none" if value is None else value for name, value in table.items()}


def parse_choice(kind: type[_Choice], name: str, flag: str) -> _Choice:
    """The member of an enumeration that an option names.

    Args:
        kind: The enumeration.
        name: What the option was given.
        flag: The option, such as ``--mode``.

    Raises:
        PrereadError: If no member has the name.
    """
    if name not in list(kind):
        raise PrereadError(f"{flag}: expected one of {', '.join(kind)}, found {name!r}. Name one.")
    return kind(name)
