"""What would all of Wikipedia take, by the rates that were measured on less of it?

    python benchmarks/wikipedia_estimate.py

Fills a block of docs/reproduce-nq.md from the newest results of build_rate.py, codecs.py and
open_domain.py, as far as there are any; nothing is measured here. What grows with the corpus is
multiplied by the number of passages. Memory is given twice: as measured at the most passages, and
on the straight line through the fewest and the most.
"""

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common import RESULTS, fill, newest
from preread.pipeline.reproduction.listing import load_reproductions

PAGE = Path(__file__).parents[1] / "docs" / "reproduce-nq.md"
NAMES = ("wikipedia-20k", "wikipedia-202k", "wikipedia")
"""Reproductions that build an index."""
CODEC = "rpq9"
"""The codec of all of Wikipedia in the list of reproductions."""
Row = tuple[str, Callable[[int, int], str]]
"""A row's name, and its cell by number of passages and of questions."""


def wikipedia_estimate() -> str:
    """Disk, time and memory by number of passages."""
    needs = [load_reproductions()[name].needs for name in NAMES]
    rows, files = [], []
    for name, rows_of in PARTS.items():
        if any(RESULTS.glob(f"{name}-*.json")):
            result = newest(name)
            rows += rows_of(result)
            files.append(result["file"])
    lines = [
        f"| | {' | '.join(f'{need.n_passages:,} passages' for need in needs)} |",
        f"|---|{'---|' * len(needs)}",
    ]
    for label, cell in rows:
        cells = [cell(need.n_passages, need.n_questions) for need in needs]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    sources = ", ".join(f"`{file}`" for file in dict.fromkeys(files))
    return "\n".join([*lines, "", f"`python benchmarks/wikipedia_estimate.py` ← {sources}"])


def disk_of_whole(result: dict[str, Any]) -> list[Row]:
    """By the bytes of an index that was built; and what answering takes."""
    index, scores = result["index"], result["scores"][-1]
    each = index["bytes_total"] / index["n_passages"]
    seconds = sum(scores["stage_ms"].values()) / 1000
    threads = result["machine"]["threads"]
    return [
        (f"disk with {index['codec']}", lambda n, _: _gigabytes(n * each)),
        (
            f"answering the questions from {scores['top_k']} passages each, on {threads} cores, "
            f"were BM25 no slower than over {index['n_passages']:,} passages",
            lambda _, n_questions: _time(n_questions * seconds),
        ),
    ]


def disk_of_codec(result: dict[str, Any]) -> list[Row]:
    """By a codec's bytes a token, with texts and BM25 as in the index that was built."""
    index = newest("open-domain")["index"]
    per_token = [row["bytes_per_token"] for row in result["rows"] if row["codec"] == CODEC]
    if not per_token:
        return []
    text_and_bm25 = index["bytes_text"] + index["bytes_lucene"]
    each = (index["n_tokens"] * per_token[0] + text_and_bm25) / index["n_passages"]
    return [(f"disk with {CODEC}", lambda n, _: _gigabytes(n * each))]


def time_of_shards(result: dict[str, Any]) -> list[Row]:
    """By the seconds of a build with one worker."""
    seconds = result["seconds"]
    each = {
        part: statistics.median(row[part] for row in seconds) / result["n_passages"]
        for part in ("shards", "bm25_and_lookup")
    }
    codec = result["codec"]
    return [
        (f"states with {codec}, one core", lambda n, _: _time(n * each["shards"])),
        ("BM25 and look-up, after that", lambda n, _: _time(n * each["bm25_and_lookup"])),
    ]


def memory_of_build(result: dict[str, Any]) -> list[Row]:
    """By whole builds of two sizes or more."""
    by_size = sorted(result["memory"], key=lambda row: int(row["n_passages"]))
    least, most = by_size[0], by_size[-1]
    threads = result["machine"]["threads"]

    def mib(row: dict[str, Any]) -> int:
        """Of a build with as many workers as cores."""
        total: int = row["process_mib"] + threads * row["largest_worker_mib"]
        return total

    grown = most["n_passages"] - least["n_passages"]
    slope = max(0.0, (mib(most) - mib(least)) / grown) if grown else 0.0
    per_passage = most["seconds"] / most["n_passages"]
    return [
        (
            f"whole build with {result['codec']} on {threads} cores",
            lambda n, _: _time(n * per_passage),
        ),
        (
            f"memory of the build on {threads} cores, as measured at {most['n_passages']:,} "
            "passages",
            lambda _, __: f"{mib(most) / 1024:.1f} GiB",
        ),
        (
            "memory, on the line through both sizes",
            lambda n, _: f"{(mib(most) + slope * (n - most['n_passages'])) / 1024:.1f} GiB",
        ),
    ]


def _gigabytes(n_bytes: float) -> str:
    return f"{n_bytes / 2**30:,.2f} GiB"


def _time(seconds: float) -> str:
    for unit, length, least in (("days", 86400, 3), ("h", 3600, 2), ("min", 60, 1)):
        if seconds >= least * length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:.0f} s"


PARTS: dict[str, Callable[[dict[str, Any]], list[Row]]] = {
    "open-domain": disk_of_whole,
    "codecs": disk_of_codec,
    "build-rate": time_of_shards,
    "build-memory": memory_of_build,
}
"""The rows of each benchmark's result."""


def reproductions() -> str:
    """The list of reproductions, as a table."""
    lines = [
        "| `preread reproduce` | figure | expected | from |",
        "|---|---|---|---|",
    ]
    for one in load_reproductions().values():
        name = f"`{one.name}`"
        for step in one.steps:
            for figure in step.figures:
                source = figure.source if " " in figure.source else f"`{figure.source}`"
                lines.append(
                    f"| {name} | {step.name}: `{figure.key}` | {figure.expected:,.10g} ± "
                    f"{figure.tolerance:g} | {source} |"
                )
                name = ""
    return "\n".join(lines)


REPRODUCTION_TABLES: dict[str, Callable[[], str]] = {
    "reproductions": reproductions,
    "wikipedia-estimate": wikipedia_estimate,
}


def main() -> None:
    """Fill the page."""
    fill(PAGE, {name: table() for name, table in REPRODUCTION_TABLES.items()})


if __name__ == "__main__":
    main()
