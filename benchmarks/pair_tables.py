"""Table of docs/pair-tasks.md, of the benchmark's newest result."""

from collections.abc import Callable
from typing import Any

from common import newest

_NAMES = {"full": "full", "split": "decomposed", "student": "decomposed, KD + LRS"}


def pair_tasks() -> str:
    """Accuracy by task and kind of training."""
    result = newest("pair-tasks")
    part = "" if result["share"] == 1 else f", {100 * result['share']:g} % of all"
    drawn = result["sample_seed"]
    which = "all pairs" if drawn is None else f"a sample (drawn with seed {drawn})"
    lines = [
        f"Accuracy on {which} of the development sets, in brackets where it lies with 95 % "
        f"(bootstrap). The readers of a task saw the same pairs as often{part}.",
        "",
        "| task | pairs | most frequent label | reader | k | stored | states | accuracy | F1 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in sorted(result["rows"], key=lambda row: str(row["task"])):
        dataset = result["datasets"][row["task"]]
        lines.append(
            f"| `{dataset['file']}` | {row['n_examples']:,} | {dataset['its_share']:.1f} "
            f"| {_NAMES[row['arm']]} | {row['num_lower_layers']} "
            f"| {row['stored_segment'] if row['num_lower_layers'] else ''} "
            f"| {row['codec'] or 'on the spot'} | {_accuracy(row)} "
            f"| {_f1(row)} |"
        )
    source = f"`python benchmarks/pair_tasks.py` → `{result['file']}`"
    return "\n".join([*lines, "", source])


def _accuracy(row: dict[str, Any]) -> str:
    low, high = row["accuracy_interval"]
    return f"{row['accuracy']:.1f} ({low:.1f} to {high:.1f})"


def _f1(row: dict[str, Any]) -> str:
    return f"{row['f1']:.1f}" if "f1" in row else ""


PAIR_TABLES: dict[str, Callable[[], str]] = {"pair-tasks": pair_tasks}
