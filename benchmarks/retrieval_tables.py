"""Tables of docs/retrieval.md, each of a benchmark's newest results."""

from collections.abc import Callable
from typing import Any

from common import all_results


def retrieval() -> str:
    """Top-k accuracy by retriever, a table for each corpus and question set."""
    newest_of: dict[tuple[str, str], dict[str, Any]] = {}
    for result in all_results("retrieval"):
        newest_of.setdefault((result["corpus"], result["questions"]), result)
    return "\n\n".join(_table(newest_of[key]) for key in sorted(newest_of))


def _table(result: dict[str, Any]) -> str:
    """One corpus's table."""
    cutoffs = list(result["rows"][0]["top_k_accuracy"])
    lines = [
        f"All {result['n_questions']:,} questions of `{result['questions']}` that have an answer, "
        f"over `{result['corpus']}` ({result['n_passages']:,} passages). BM25 with k1 = "
        f"{result['k1']:g}, b = {result['b']:g}{_vectors(result['dense'])}. In brackets, where "
        "the accuracy lies with 95 % (bootstrap).",
        "",
        f"| retriever | {' | '.join(f'top-{k}' for k in cutoffs)} |",
        f"|---|{'---|' * len(cutoffs)}",
    ]
    for row in result["rows"]:
        cells = []
        for k in cutoffs:
            low, high = row["top_k_accuracy_interval"][k]
            cells.append(f"{row['top_k_accuracy'][k]:.1f} ({low:.1f} {high:.1f})")
        lines.append(f"| {row['retriever']} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"`python benchmarks/retrieval.py` → `{result['file']}`"])


def retrieval_summary() -> list[str]:
    """What README says of it: a row a retriever, of the largest corpus."""
    result = max(all_results("retrieval"), key=lambda found: int(found["n_passages"]))
    cutoffs = list(result["rows"][0]["top_k_accuracy"])
    rows = [
        " | ".join([row["retriever"], *(f"{row['top_k_accuracy'][k]:.1f}" for k in cutoffs)])
        for row in result["rows"]
    ]
    return [
        f"Top-k accuracy over `{result['corpus']}` ({result['n_passages']:,} passages), all "
        f"{result['n_questions']:,} questions of `{result['questions']}` "
        "([docs/retrieval.md](docs/retrieval.md)):",
        "",
        f"| retriever | {' | '.join(f'top-{k}' for k in cutoffs)} |",
        f"|---|{'---|' * len(cutoffs)}",
        *(f"| {row} |" for row in rows),
        "",
        f"`python benchmarks/retrieval.py` → `{result['file']}`",
    ]


def _vectors(dense: dict[str, Any] | None) -> str:
    """What the vectors are."""
    if dense is None:
        return ""
    return f"; vectors by {dense['encoder']}, {dense['vectors']}, {dense['bytes'] / 2**20:,.0f} MiB"


RETRIEVAL_TABLES: dict[str, Callable[[], str]] = {"retrieval": retrieval}
