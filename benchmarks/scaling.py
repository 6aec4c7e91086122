"""How costs grow with the passages of an index, by the newest result of `rehearsal.py`.

Growth is described twice: by the straight line through the costs (least squares, where each counts
by its distance), and by the exponent between the two largest indexes. An exponent of 1 grows with
the passages, one of 0 does not grow. Both are extrapolated to all of Wikipedia. A cost that falls
is taken as constant.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from common import ROOT, Result
from matplotlib.figure import Figure
from numpy.typing import NDArray

WIKIPEDIA = 21_015_324
"""Passages of all of Wikipedia, as DPR cut them."""
Cost = Callable[[Result], float]
"""A cost of one index, from its row of the result."""


def measured(name: str, which: str = "median") -> Cost:
    """A cost of the rounds."""
    return lambda row: float(row["costs"][name][which])


def gigabytes(name: str) -> Cost:
    """Size of a part of the index."""
    return lambda row: float(row["index"][f"bytes_{name}"]) / 2**30


def seconds(stage: str) -> Cost:
    """A stage of building, for all passages of the index."""

    def cost(row: Result) -> float:
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


@dataclass(frozen=True)
class Growth:
    """One cost of indexes of several sizes."""

    name: str
    sizes: NDArray[np.float64]
    """Passages, ascending."""
    measured: NDArray[np.float64]
    """The cost at each size."""

    @property
    def slope(self) -> float:
        """Of the straight line."""
        return float(np.polyfit(self.sizes, self.measured, 1)[0])

    @property
    def exponent(self) -> float:
        """Between the two largest sizes."""
        (a, b), (small, large) = self.measured[-2:], self.sizes[-2:]
        return float(np.log(b / a) / np.log(large / small))

    def line(self, n_passages: NDArray[np.float64]) -> NDArray[np.float64]:
        """The cost at other sizes, by the straight line."""
        slope, intercept = np.polyfit(self.sizes, self.measured, 1)
        flat = np.full_like(n_passages, self.measured[-1])
        return slope * n_passages + intercept if slope > 0 else flat

    def power(self, n_passages: NDArray[np.float64]) -> NDArray[np.float64]:
        """The cost at other sizes, by the exponent."""
        largest, its_cost = float(self.sizes[-1]), float(self.measured[-1])
        return np.asarray(its_cost * (n_passages / largest) ** max(0.0, self.exponent))

    @property
    def of_wikipedia(self) -> tuple[float, float]:
        """The cost of all of Wikipedia, by line and exponent."""
        n_passages = np.array([WIKIPEDIA], dtype=float)
        return float(self.line(n_passages)[0]), float(self.power(n_passages)[0])


def growth(result: Result) -> list[Growth]:
    """Every cost of a rehearsal."""
    rows = sorted(result["rows"], key=lambda row: int(row["index"]["n_passages"]))
    sizes = np.array([row["index"]["n_passages"] for row in rows], dtype=float)
    return [
        Growth(name, sizes, np.array([cost(row) for row in rows])) for name, cost in COSTS.items()
    ]


def plot_growth(result: Result) -> None:
    """A panel for each cost, both axes logarithmic, with the line and the power law."""
    costs = growth(result)
    across = 4
    down = -(-len(costs) // across)
    figure = Figure(figsize=(3.2 * across, 2.6 * down), layout="constrained")
    panels = figure.subplots(down, across).ravel()
    for axes, cost in zip(panels, costs, strict=False):
        further = np.geomspace(cost.sizes[0], WIKIPEDIA, 50)
        beyond = further[further >= cost.sizes[-1]]
        axes.loglog(cost.sizes, cost.measured, "o")
        axes.loglog(further, cost.line(further), "--", linewidth=1)
        axes.loglog(beyond, cost.power(beyond), ":")
        shown = np.concatenate([cost.measured, cost.line(beyond), cost.power(beyond)])
        axes.set_ylim(shown.min() / 2, shown.max() * 2)  # what hardly grows looks flat
        axes.set_title(cost.name, fontsize=8)
    for axes in panels[len(costs) :]:
        axes.set_visible(False)
    figure.supxlabel("passages")
    figure.savefig(ROOT / "docs" / "measurements" / "scaling.png", dpi=110)
