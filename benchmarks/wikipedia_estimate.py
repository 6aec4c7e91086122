"""What would all of Wikipedia take, at the rates that were measured on less of it?

Costs that grow with the corpus are multiplied by the number of passages. Memory is given twice: as
measured at the most passages, and on the straight line through the fewest and the most.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from common import Result, newest
from preread.pipeline.evaluation.reproduction.listing import load_reproductions

NAMES = ("wikipedia-20k", "wikipedia-202k", "wikipedia")
"""Reproductions that build an index."""
CODEC = "rpq9"
"""The codec of all of Wikipedia in the list of reproductions."""


@dataclass(frozen=True)
class Row:
    """What is estimated."""

    name: str
    a_passage: float
    """Grows with the passages."""
    shown: Callable[[float], str]
    fixed: float = 0.0
    """Does not grow."""
    a_question: float = 0.0
    """Grows with the questions."""


@dataclass(frozen=True)
class Estimate:
    """A table of estimates."""

    n_passages: list[int]
    rows: list[tuple[str, list[str]]]
    results: list[Result]
    """What it was computed from."""


def wikipedia_estimate() -> Estimate:
    """Disk, time and memory by number of passages, from the newest results."""
    needs = [load_reproductions()[name].needs for name in NAMES]
    parts = {
        "open-domain": whole_index,
        "codecs": disk_of_codec,
        "build-rate": time_of_shards,
        "build-memory": whole_build,
    }
    results = {name: newest(name) for name in parts}
    rows = [
        (
            row.name,
            [
                row.shown(
                    row.fixed + row.a_passage * need.n_passages + row.a_question * need.n_questions
                )
                for need in needs
            ],
        )
        for name, rows_of in parts.items()
        for row in rows_of(results[name])
    ]
    return Estimate([need.n_passages for need in needs], rows, list(results.values()))


def whole_index(result: Result) -> list[Row]:
    """By the bytes of an index that was built; and what answering takes."""
    index, scores = result["index"], result["scores"][-1]
    each = index["bytes_total"] / index["n_passages"]
    answering = (
        f"answering the questions from {scores['top_k']} passages each, on "
        f"{result['machine']['threads']} cores, were BM25 no slower than over "
        f"{index['n_passages']:,} passages"
    )
    seconds = sum(scores["stage_ms"].values()) / 1000
    return [
        Row(f"disk with {index['codec']}", each, gibibytes),
        Row(answering, 0.0, duration, a_question=seconds),
    ]


def disk_of_codec(result: Result) -> list[Row]:
    """By a codec's bytes a token, with texts and BM25 as in the index that was built."""
    index = newest("open-domain")["index"]
    (per_token,) = (row["bytes_per_token"] for row in result["rows"] if row["codec"] == CODEC)
    whole = index["n_tokens"] * per_token + index["bytes_text"] + index["bytes_lucene"]
    return [Row(f"disk with {CODEC}", whole / index["n_passages"], gibibytes)]


def time_of_shards(result: Result) -> list[Row]:
    """By the seconds of a build with one worker."""
    shards, rest = (
        statistics.median(row[part] for row in result["seconds"]) / result["n_passages"]
        for part in ("shards", "bm25_and_lookup")
    )
    return [
        Row(f"states with {result['codec']}, one core", shards, duration),
        Row("BM25 and look-up, after that", rest, duration),
    ]


def whole_build(result: Result) -> list[Row]:
    """By whole builds of two sizes, with as many workers as cores."""
    by_size = sorted(result["memory"], key=lambda row: int(row["n_passages"]))
    least, most = by_size[0], by_size[-1]
    cores = result["machine"]["threads"]
    low, high = (
        (row["process_mib"] + cores * row["largest_worker_mib"]) / 1024 for row in (least, most)
    )
    n = most["n_passages"]
    slope = max(0.0, (high - low) / (n - least["n_passages"]))
    measured = f"memory of the build on {cores} cores, as measured at {n:,} passages"
    on_line = "memory, on the line through both sizes"
    return [
        Row(f"whole build with {result['codec']} on {cores} cores", most["seconds"] / n, duration),
        Row(measured, 0.0, memory, fixed=high),
        Row(on_line, slope, memory, fixed=high - slope * n),
    ]


def gibibytes(n_bytes: float) -> str:
    """Bytes of a disk."""
    return f"{n_bytes / 2**30:,.2f} GiB"


def memory(gib: float) -> str:
    """GiB of memory."""
    return f"{gib:.1f} GiB"


def duration(seconds: float) -> str:
    """Seconds in a unit that keeps the number small."""
    for unit, length, least in (("days", 86400, 3), ("h", 3600, 2), ("min", 60, 1)):
        if seconds >= least * length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:.0f} s"
