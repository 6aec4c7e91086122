"""Tables of docs/accelerator.md, of the newest result of each shape."""

from collections.abc import Callable
from typing import Any

from common import RESULTS, newest
from speed_tables import with_ends

WIKIPEDIA = 21_015_324
"""Passages of all of Wikipedia, as DPR cut them."""
_STAGES = ("tokenising", "lower layers", "codec", "to host", "shard")
_OURS = ("question", "fetch", "decode", "read", "to host")


def _results() -> list[dict[str, Any]]:
    names = [f"accelerator-{shape}" for shape in ("default", "bert-base", "bert-large")]
    return [newest(name) for name in names if any(RESULTS.glob(f"{name}-*.json"))]


def limits() -> str:
    """What the card does at its best."""
    lines = []
    result = _results()[0]
    machine, found = result["machine"], result["limits"]
    lines += [
        f"{machine['accelerator']}, host with {machine['threads']} threads of an "
        f"{machine['cpu'].replace('(R)', '')}, PyTorch {machine['packages']['torch']}:",
        "",
        "| | |",
        "|---|---|",
    ]
    for dtype, value in found["teraflops"].items():
        lines.append(f"| matrix product, 8,192³, {dtype} | {with_ends(value, ' TFLOP/s', 0)} |")
    for name, value in found["gigabytes_a_second"].items():
        lines.append(f"| copy, {name} | {with_ends(value, ' GB/s', 0)} |")
    return "\n".join([*lines, "", _source(result)])


def indexing() -> str:
    """Passages a second by stage."""
    lines = [
        f"| reader | passages | rows a batch | codec | {' | '.join(_STAGES)} | "
        "all, as the indexer runs | lower layers, TFLOP/s | of the card's | "
        "all of Wikipedia, hours |",
        f"|---|---|---|---|{'---|' * len(_STAGES)}---|---|---|---|",
    ]
    for result in _results():
        peak = result["limits"]["teraflops"]["float32"]["median"]
        for row in result["index"]:
            rate = row["passages_a_second"]
            stages = " | ".join(f"{rate[stage]['median']:,.0f}" for stage in _STAGES)
            flops = row["lower_layers_teraflops"]["median"]
            lines.append(
                f"| {result['shape']} | {row['n_passages']:,} | {row['rows_per_batch']:,} | "
                f"{row['codec']} | {stages} | "
                f"{with_ends(rate['whole'], '', 0)} | {flops:.1f} | {100 * flops / peak:.0f} % | "
                f"{WIKIPEDIA / rate['whole']['median'] / 3600:.1f} |"
            )
    return "\n".join([*lines, "", *map(_source, _results())])


def reading() -> str:
    """Milliseconds a question, ours and the full model."""
    lines = [
        "| reader | passages | number format | full, batches of 32, ms | full, one batch, ms | "
        "ours, ms | ours as fast as the better one | full, TFLOP/s | our upper layers, TFLOP/s | "
        "of the card's |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for result in _results():
        for row in result["reading"]:
            peak = result["limits"]["teraflops"][row["precision"]]["median"]
            ms, flops = row["ms_a_question"], row["teraflops"]
            full, upper = flops["full"]["median"], flops["upper layers of ours"]["median"]
            systems = ("full, batches of 32", "full, one batch", "ours")
            lines.append(
                f"| {result['shape']}, {result['codec']} | {row['top_k']} | {row['precision']} | "
                f"{' | '.join(with_ends(ms[name], '', 1) for name in systems)} | "
                f"{with_ends(row['times_as_fast_as_the_better_full'], 'x', 2)} | {full:.0f} | "
                f"{upper:.0f} | {100 * full / peak:.0f} %, {100 * upper / peak:.0f} % |"
            )
    return "\n".join([*lines, "", *map(_source, _results())])


def stages() -> str:
    """Where our time goes."""
    lines = [
        f"| reader | passages | number format | {' | '.join(f'{name}, ms' for name in _OURS)} |",
        f"|---|---|---|{'---|' * len(_OURS)}",
    ]
    for result in _results():
        for row in result["reading"]:
            found = row["ms_by_stage"]
            cells = " | ".join(f"{found[name]['median']:.1f}" for name in _OURS)
            lines.append(
                f"| {result['shape']}, {result['codec']} | {row['top_k']} | {row['precision']} | "
                f"{cells} |"
            )
    return "\n".join([*lines, "", *map(_source, _results())])


def _source(result: dict[str, Any]) -> str:
    return f"`python benchmarks/accelerator.py` → `{result['file']}`  "


ACCELERATOR_TABLES: dict[str, Callable[[], str]] = {
    "limits": limits,
    "indexing": indexing,
    "reading": reading,
    "stages": stages,
}
