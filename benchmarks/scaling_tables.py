"""The rehearsal's table, plot and extrapolation for docs/scaling.md.

    python benchmarks/scaling_tables.py

A straight line through the costs (least squares, so that each counts by its distance) and the
exponent between the two largest indexes: 1 grows with the passages, 0 not at all. The line is what
is extrapolated.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import fill, newest
from matplotlib.figure import Figure

DOCS = Path(__file__).parents[1] / "docs"
WIKIPEDIA = 21_015_324
"""Passages of DPR's Wikipedia."""
Cost = Callable[[dict[str, Any]], float]


def measured(name: str, which: str = "median") -> Cost:
    """A cost of the rounds."""
    return lambda row: float(row["costs"][name][which])


def gigabytes(*names: str) -> Cost:
    """Size of a part of the index."""
    return lambda row: float(sum(row["index"][f"bytes_{name}"] for name in names)) / 2**30


def seconds(stage: str) -> Cost:
    """A stage of building, for all passages of the index."""

    def cost(row: dict[str, Any]) -> float:
        build, n = row["build"], row["index"]["n_passages"]
        return float(build[stage] * n / build.get("n_generated", n))

    return cost


COSTS: dict[str, Cost] = {
    "states and look-up, GiB": gigabytes("states"),
    "texts, GiB": gigabytes("text"),
    "BM25 index, GiB": gigabytes("lucene"),
    "building look-up, s": seconds("lookup"),
    "building BM25, s": seconds("bm25"),
    "opening, ms": measured("open_ms"),
    "own memory after 40 questions, MiB": measured("own_mib"),
    "mapped files in memory, MiB": measured("mapped_mib"),
    "BM25 search, top 20, ms": measured("bm25_ms"),
    "BM25 search, p95, ms": measured("bm25_ms", "p95"),
    "fetching 100 passages, cold, ms": measured("cold_fetch_ms"),
    "fetching 100 passages, warm, ms": measured("warm_fetch_ms"),
    "a question, top 20, ms": measured("question_ms"),
    "a question, p95, ms": measured("question_ms", "p95"),
}


def fitted(sizes: np.ndarray, costs: np.ndarray) -> tuple[float, float, float]:
    """Slope and intercept of the line, and the exponent between the last two."""
    slope, intercept = np.polyfit(sizes, costs, 1)
    exponent = np.log(costs[-1] / costs[-2]) / np.log(sizes[-1] / sizes[-2])
    return float(slope), float(intercept), float(exponent)


def columns(result: dict[str, Any]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Sizes of the indexes, and each cost at them."""
    rows = sorted(result["rows"], key=lambda row: int(row["index"]["n_passages"]))
    sizes = np.array([row["index"]["n_passages"] for row in rows], dtype=float)
    return sizes, {name: np.array([cost(row) for row in rows]) for name, cost in COSTS.items()}


def growth() -> str:
    """Costs by passages, how they grow, and what the line says of all of Wikipedia."""
    result = newest("rehearsal")
    sizes, costs = columns(result)
    heads = " | ".join(f"{size:,.0f}" for size in sizes)
    lines = [
        f"| passages | {heads} | exponent | {WIKIPEDIA:,} (line) |",
        f"|---|{'---|' * len(sizes)}---|---|",
    ]
    for name, values in costs.items():
        slope, intercept, exponent = fitted(sizes, values)
        cells = " | ".join(number(value) for value in values)
        far = number(slope * WIKIPEDIA + intercept)
        lines.append(f"| {name} | {cells} | {exponent:.2f} | {far} |")
    return "\n".join([*lines, "", f"`python benchmarks/scaling_tables.py` ← `{result['file']}`"])


def number(value: float) -> str:
    """Three digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def plot_growth(result: dict[str, Any]) -> None:
    """A panel for each cost, both axes logarithmic, with the line."""
    sizes, costs = columns(result)
    across = 4
    down = -(-len(costs) // across)
    figure = Figure(figsize=(3.2 * across, 2.6 * down), layout="constrained")
    panels = figure.subplots(down, across).ravel()
    further = np.geomspace(sizes[0], WIKIPEDIA, 50)
    for axes, (name, values) in zip(panels, costs.items(), strict=False):
        slope, intercept, _ = fitted(sizes, values)
        axes.loglog(sizes, values, "o")
        axes.loglog(further, slope * further + intercept, "--", linewidth=1)
        axes.set_title(name, fontsize=8)
    for axes in panels[len(costs) :]:
        axes.set_visible(False)
    figure.supxlabel("passages")
    figure.savefig(DOCS / "scaling.png", dpi=110)


def main() -> None:
    """Fill the page."""
    plot_growth(newest("rehearsal"))
    fill(DOCS / "scaling.md", {"growth": growth()})


if __name__ == "__main__":
    main()
