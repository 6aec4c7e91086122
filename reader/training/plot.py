"""A plot of a training run."""

import csv
import logging
from pathlib import Path

from .callbacks import HELD_OUT, LOG

_LOG = logging.getLogger(__name__)


def plot_run(output: Path) -> Path | None:
    """Draw losses and held-out scores of a run.

    Args:
        output: Folder of the run.

    Returns:
        The file ``training.png``; None where matplotlib is not installed, or the run was too short
        to log anything.
    """
    if not (output / LOG).exists():
        return None
    try:
        from matplotlib.figure import Figure
    except ImportError:
        _LOG.warning("no plot of the run: matplotlib is not installed (pip install preread[train])")
        return None
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    losses = _columns(output / LOG)
    for name, values in losses.items():
        if name not in ("step", "n_steps", "learning_rate", "grad_norm"):
            axes.plot(losses["step"], values, label=name, linewidth=1)
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper left")
    if (output / HELD_OUT).exists():
        scores = _columns(output / HELD_OUT)
        right = axes.twinx()
        for name in scores.keys() - {"step"}:
            right.plot(scores["step"], scores[name], "o-", label=f"held-out {name}", markersize=3)
        right.set_ylabel("percent")
        right.set_ylim(0, 100)
        right.legend(loc="upper right")
    figure.savefig(output / "training.png", dpi=120)
    return output / "training.png"


def _columns(path: Path) -> dict[str, list[float]]:
    """A CSV file's columns of numbers."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0]} if rows else {"step": []}
