"""``preread profile``: floating-point operations, time and memory of a reader."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Device, Json, print_json, print_table

if TYPE_CHECKING:
    from ...reader.profiling import Profile, Row


def profile(
    reader: Annotated[
        str,
        typer.Argument(
            metavar="READER",
            help="'default', a folder, a hub name, or a shape with random weights: bert-base, "
            "bert-large, xlnet-base, xlnet-large.",
        ),
    ],
    layers: Annotated[
        int | None, typer.Option(metavar="K", help="Split after K layers; default: as READER.")
    ] = None,
    layout: Annotated[
        list[str] | None,
        typer.Option(
            help="Data set whose lengths of texts are used: squad (default), race, boolq, mnli, "
            "qqp, or all; may be given more than once."
        ),
    ] = None,
    stored: Annotated[
        str | None,
        typer.Option(help="Stored segment, first or second; default: as in the layout."),
    ] = None,
    batch: Annotated[int, typer.Option(help="Number of pairs in a batch.")] = 1,
    question_tokens: Annotated[
        int | None,
        typer.Option(help="Tokens of a question; default: the mean of the data set."),
    ] = None,
    passage_tokens: Annotated[
        int | None,
        typer.Option(help="Tokens of a passage; default: the mean of the data set."),
    ] = None,
    repeat: Annotated[int, typer.Option(help="Number of repetitions, 5 or more.")] = 7,
    flops_only: Annotated[
        bool,
        typer.Option("--flops-only", help="Do not measure time and memory."),
    ] = False,
    sweep: Annotated[bool, typer.Option("--sweep", help="Profile every split.")] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the sweep, .png, .svg or .pdf.")
    ] = None,
    accuracy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="F1 of each split, from benchmarks/split_curve.py."),
    ] = None,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Measure what READER costs: full, decomposed, and with stored states."""
    from ...data import PrereadError
    from ...reader.profiling import (
        ProfileOptions,
        f1_by_split,
        find_layouts,
        parse_stored,
        plot_sweep,
        profile_reader,
        sweep_reader,
    )

    options = ProfileOptions(
        layouts=find_layouts(layout or ["squad"]),
        stored=None if stored is None else parse_stored(stored),
        batch=batch,
        question_tokens=question_tokens,
        passage_tokens=passage_tokens,
        repeat=repeat,
        is_measured=not flops_only,
    )
    if not sweep and (plot is not None or accuracy is not None):
        raise PrereadError("--plot and --accuracy: expected --sweep with them, found none. Add it.")
    if sweep and layers is not None:
        raise PrereadError(
            "--layers: a sweep profiles every split. Leave out --layers, or --sweep."
        )
    f1 = f1_by_split(accuracy) if accuracy is not None else {}
    result = (
        sweep_reader(reader, options, device=device, show_progress=True)
        if sweep
        else profile_reader(
            reader, options, num_lower_layers=layers, device=device, show_progress=True
        )
    )
    if plot is not None:
        plot_sweep(result, plot, f1)
    content = result.to_dict()
    if json:
        print_json({**content, "f1": f1} if f1 else content)
        return
    _print_profile(result, f1, is_sweep=sweep)


def _print_profile(result: "Profile", f1: dict[str, dict[int, float]], *, is_sweep: bool) -> None:
    content = result.to_dict()
    if content["weights"] == "random":
        content["weights"] = "random: of this shape, but trained on nothing"
    of_split = [] if is_sweep else ["num_lower_layers", "parameters"]
    names = ["reader", "weights", "num_hidden_layers", *of_split, "hidden_size"]
    print_table({name: content[name] for name in [*names, "device", "threads", "batch"]})
    headings = ["layout", "tokens", "k" if is_sweep else "pass", "GFLOP", "ratio"]
    if result.options.is_measured:
        headings += ["ms", "least-most", "ratio", "peak MiB"]
    _print_columns(headings, [_cells(row, is_sweep=is_sweep) for row in result.rows])
    if not is_sweep:
        return
    typer.echo("\nStored states, of the same size at every split:")
    storage = [
        [s.codec, f"{s.bytes_per_token:,}", f"{s.bytes_per_passage:,}"]
        + [f"{s.bytes_wikipedia / 1e9:,.1f}"]
        for s in result.storage
    ]
    _print_columns(["codec", "bytes per token", "bytes per passage", "Wikipedia, GB"], storage)
    if f1:
        splits = sorted({k for curve in f1.values() for k in curve})
        curves = [
            [name, *(f"{curve[k]:.1f}" if k in curve else "" for k in splits)]
            for name, curve in f1.items()
        ]
        _print_columns(["F1 by k", *map(str, splits)], curves)


def _print_columns(headings: list[str], rows: list[list[str]]) -> None:
    """Print a table; numbers are aligned to the right."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        is_text = heading == headings[0] or heading == "pass"
        table.add_column(heading, justify="left" if is_text else "right")
    for row in rows:
        table.add_row(*row)
    console = Console()
    console.print()
    console.print(table)


def _cells(row: "Row", *, is_sweep: bool) -> list[str]:
    """The cells of a row; those of time and memory only if they were measured."""
    workload = row.case.workload
    cells = [
        f"{workload.layout.name} {workload.arrangement}",
        f"{workload.question_tokens}+{workload.passage_tokens}",
        str(row.case.num_lower_layers) if is_sweep else row.case.kind.value,
        f"{row.flops / 1e9:.2f}",
        f"{row.flop_speedup:.2f}x",
    ]
    if row.latency is None or row.speedup is None or row.memory is None:
        return cells
    spread = f"{_short(row.latency.least_ms)}-{_short(row.latency.most_ms)}"
    times = [_short(row.latency.median_ms), spread, f"{row.speedup:.2f}x"]
    return [*cells, *times, f"{row.memory.peak_bytes / 2**20:.1f}"]


def _short(milliseconds: float) -> str:
    """A time with three digits or more."""
    return f"{milliseconds:.0f}" if milliseconds >= 100 else f"{milliseconds:.1f}"
