"""Plots of the report, as SVG that is readable on light and on dark backgrounds."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...data import PrereadError
from .analysis import Bin, MeanEstimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK = "#123456"
"""Placeholder for the colour of text, which follows the colour scheme of the browser."""
_BLUE = "#3987e5"
_ORANGE = "#d95926"
_STYLE = "<style>svg{color:#1f2328}@media(prefers-color-scheme:dark){svg{color:#e6edf3}}</style>"
_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "preread",  # equal plots get equal identifiers
    "savefig.transparent": True,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": _INK,
    "grid.alpha": 0.15,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "legend.frameon": False,
}


def check_matplotlib(path: Path) -> None:
    """Check that matplotlib is installed.

    Args:
        path: The file that will hold the plots, for the message.

    Raises:
        PrereadError: If matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise PrereadError(
            f"{path}: its plots need matplotlib, which is not installed. Install it: "
            "pip install 'preread[report]'"
        )


def plot_by_passages(scores: Mapping[int, tuple[MeanEstimate, MeanEstimate]]) -> str:
    """Plot exact match and F1 against the number of passages read, as SVG.

    Args:
        scores: Exact match and F1 by number of passages.
    """
    with _axes() as (axes, drawn):
        for number, (label, colour) in enumerate((("EM", _BLUE), ("F1", _ORANGE))):
            _curve(axes, {k: pair[number] for k, pair in scores.items()}, label, colour)
        _label(axes, "passages read", "percent")
        axes.legend(loc="lower right")
    return drawn[0]


def plot_accuracy(accuracies: Mapping[int, MeanEstimate]) -> str:
    """Plot top-k accuracy against k, as SVG.

    Args:
        accuracies: Accuracy by k.
    """
    with _axes() as (axes, drawn):
        _curve(axes, accuracies, "top-k accuracy", _BLUE)
        _label(axes, "k: passages retrieved", "percent")
    return drawn[0]


def plot_stages(times: Mapping[str, npt.NDArray[np.float64]]) -> str:
    """Plot the mean milliseconds of each stage, with a line to the 95th percentile, as SVG.

    Args:
        times: Milliseconds of each question, by stage.
    """
    with _axes() as (axes, drawn):
        names = list(times)
        means = np.array([times[name].mean() for name in names])
        highest = np.array([np.percentile(times[name], 95) for name in names])
        errors = np.stack([np.zeros(len(names)), np.maximum(highest - means, 0)])
        axes.barh(names, means, xerr=errors, color=_BLUE, ecolor=_INK, capsize=3, height=0.6)
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("milliseconds per question: mean, and 95th percentile")
    return drawn[0]


def plot_reliability(bins: Sequence[Bin]) -> str:
    """Plot exact match against the score, as SVG; the area of a point is its share of the answers.

    Args:
        bins: Answers grouped by score.
    """
    with _axes() as (axes, drawn):
        axes.plot([0, 1], [0, 100], color=_INK, linewidth=1, linestyle=":")
        scores = [one.mean_score for one in bins]
        shares = [100 * one.exact_match for one in bins]
        total = max(1, sum(one.n_questions for one in bins))
        axes.plot(scores, shares, color=_BLUE, linewidth=1)
        axes.scatter(scores, shares, s=[20 + 600 * one.n_questions / total for one in bins],
                     color=_BLUE, alpha=0.7)  # fmt: skip
        axes.set_xlim(0, 1)
        _label(axes, "score of the answer", "right, percent")
    return drawn[0]


def plot_words(scores: Mapping[str, MeanEstimate]) -> str:
    """Plot exact match by question word, with intervals, as SVG.

    Args:
        scores: Exact match by question word.
    """
    with _axes() as (axes, drawn):
        names = [f"{word} ({one.n_questions:,})" for word, one in scores.items()]
        means = 100 * np.array([one.mean for one in scores.values()])
        ends = 100 * np.array([[one.low, one.high] for one in scores.values()]).T
        errors = np.stack([np.maximum(means - ends[0], 0), np.maximum(ends[1] - means, 0)])
        axes.barh(names, means, xerr=errors, color=_BLUE, ecolor=_INK, capsize=3, height=0.6)
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.set_xlim(0, 100)
        axes.set_xlabel("EM, percent")
    return drawn[0]


@contextmanager
def _axes() -> Iterator[tuple[Axes, list[str]]]:
    """Axes to draw on, and a list that holds the SVG when the block ends."""
    import matplotlib
    from matplotlib.figure import Figure

    drawn: list[str] = []
    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(7, 3.6), layout="constrained")
        yield figure.add_subplot(), drawn
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue().replace(_INK, "currentColor")
    start = text.index("<svg")
    after_tag = text.index(">", start) + 1
    drawn.append(text[start:after_tag] + _STYLE + text[after_tag:])


def _curve(axes: Axes, points: Mapping[int, MeanEstimate], label: str, colour: str) -> None:
    """Draw a line with a band for its intervals."""
    ks = list(points)
    axes.plot(ks, [100 * one.mean for one in points.values()], color=colour, label=label,
              marker="o" if len(ks) <= 20 else None, markersize=4)  # fmt: skip
    low, high = ([100 * end for end in ends] for ends in zip(
        *((one.low, one.high) for one in points.values()), strict=True))  # fmt: skip
    axes.fill_between(ks, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.set_xscale("log")
    ticks = [k for k in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if k <= max(ks)]
    axes.set_xticks(ticks, [str(k) for k in ticks])
    axes.minorticks_off()


def _label(axes: Axes, x: str, y: str) -> None:
    """Label the axes; the vertical one is in percent."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_ylim(0, 103)  # so that a line at 100 is not cut
