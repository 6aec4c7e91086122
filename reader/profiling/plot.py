"""Plot of a sweep: what a deeper split gains, and what stored states take on disk."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...data import PrereadError
from .layouts import Arrangement
from .passes import PassKind
from .profile import Profile

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_sweep(
    sweep: Profile, path: str | Path, f1: Mapping[str, Mapping[int, float]] | None = None
) -> None:
    """Plot speed-up by split, F1 by split if it is known, and storage by codec.

    Args:
        sweep: Result of `sweep_reader`.
        path: Path of the picture; its suffix decides the format.
        f1: F1 in percent by split, for each curve's name, from `f1_by_split`.

    Raises:
        PrereadError: If matplotlib is not installed, or the file cannot be written.
    """
    path = Path(path)
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise PrereadError(
            "--plot: expected matplotlib, which is not installed. Install it with "
            "`pip install preread[train]`."
        ) from None
    figure = Figure(figsize=(13 if f1 else 9, 4), layout="constrained")
    panels = figure.subplots(1, 3 if f1 else 2, squeeze=False)[0]
    _draw_speedups(panels[0], sweep)
    if f1:
        _draw_f1(panels[1], f1)
    _draw_storage(panels[-1], sweep)
    try:
        figure.savefig(path, dpi=120)
    except (OSError, ValueError) as error:
        raise PrereadError(
            f"{path}: the plot could not be written ({error}). Name a file in an existing folder "
            "that ends in .png, .svg or .pdf."
        ) from error


def _draw_speedups(axes: "Axes", sweep: Profile) -> None:
    """A line for each layout, arrangement and measure, below the bound n / (n - k)."""
    rows = [row for row in sweep.rows if row.case.kind is PassKind.STORED]
    n_layers = sweep.subject.config.num_hidden_layers
    splits = sorted({row.case.num_lower_layers for row in rows})
    bound = [n_layers / (n_layers - split) for split in splits]
    axes.plot(splits, bound, ":", color="grey", label="n / (n - k)", linewidth=1)
    workloads = list(dict.fromkeys(row.case.workload for row in rows))
    for number, workload in enumerate(workloads):
        of_workload = [row for row in rows if row.case.workload == workload]
        ks = [row.case.num_lower_layers for row in of_workload]
        style = "-" if workload.arrangement is Arrangement.PADDED else "--"
        label = f"{workload.layout.name}, {workload.arrangement}"
        counted = [row.flop_speedup for row in of_workload]
        axes.plot(ks, counted, style, color=f"C{number}", label=f"{label}: FLOPs")
        timed = [row.speedup for row in of_workload if row.speedup is not None]
        if timed:
            axes.plot(ks, timed, "o", color=f"C{number}", label=f"{label}: time", markersize=3)
    axes.yaxis.set_major_formatter("{x:g}x")
    axes.set_xlabel(f"lower layers k (of {n_layers}), run ahead of time")
    axes.set_ylabel("speed-up over the full model")
    axes.set_title(sweep.subject.name, fontsize=10)
    axes.legend(fontsize=8)


def _draw_f1(axes: "Axes", f1: Mapping[str, Mapping[int, float]]) -> None:
    for name, curve in f1.items():
        splits = sorted(curve)
        axes.plot(splits, [curve[split] for split in splits], "o-", label=name, markersize=3)
    axes.set_xlabel("k")
    axes.set_ylabel("F1")
    axes.legend(fontsize=8)


def _draw_storage(axes: "Axes", sweep: Profile) -> None:
    names = [storage.codec for storage in sweep.storage]
    sizes = [storage.bytes_wikipedia / 1e9 for storage in sweep.storage]
    bars = axes.barh(names, sizes, color="C0")
    axes.bar_label(bars, labels=[f"{size:,.0f} GB" for size in sizes], fontsize=8, padding=2)
    axes.set_xscale("log")
    axes.set_xlim(right=8 * max(sizes))
    axes.invert_yaxis()
    axes.set_xlabel("GB")
    axes.set_title("Wikipedia's states, at any split", fontsize=10)
