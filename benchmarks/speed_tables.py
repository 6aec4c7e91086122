"""Tables of docs/speed.md, each of a benchmark's newest result."""

from collections.abc import Callable
from typing import Any

from common import RESULTS, newest

_FULL = "full, padded"


def _speeds() -> list[dict[str, Any]]:
    """The newest result of each shape."""
    names = [f"speed-{shape}" for shape in ("bert-base", "bert-large", "default")]
    return [newest(name) for name in names if any(RESULTS.glob(f"{name}-*.json"))]


def speed() -> str:
    """Milliseconds and ratios of every system, by shape and number of passages."""
    lines = []
    for result in _speeds():
        n, k, machine = result["num_hidden_layers"], result["num_lower_layers"], result["machine"]
        lines += [
            f"**{result['shape']}**, k = {k} of {n} layers (ceiling of leaving out lower layers: "
            f"{n / (n - k):.1f}x). Questions of `{result['questions']}` (drawn with seed "
            f"{result['seed']}): {result['n_questions']}; passages that BM25 finds in "
            f"`{result['corpus']}`, states from an index on disk ({result['codec']}), "
            f"{machine['threads']} threads of an {machine['cpu']}. Medians of {result['repeat']} "
            "rounds, all systems in turns; in brackets, least and most.",
            "",
        ]
        for row in result["rows"]:
            lines += [f"{row['top_k']} passages:", "", *_speed_rows(row), ""]
        lines += [_source("speed", result), ""]
    return "\n".join(lines)


def _speed_rows(row: dict[str, Any]) -> list[str]:
    """One table: a line for each system, a column for each baseline."""
    baselines = list(next(iter(row["times_as_fast"].values())))
    lines = [
        f"| | ms a question | {' | '.join(f'against {name}' for name in baselines)} |",
        f"|---|---|{'---|' * len(baselines)}",
    ]
    for name, ms in row["ms_a_question"].items():
        ratios = row["times_as_fast"].get(name, {})
        cells = [with_ends(ratios[b], "x", 2) if b in ratios else "" for b in baselines]
        lines.append(f"| {name} | {with_ends(ms, '', 1)} | {' | '.join(cells)} |")
    return lines


def summary() -> list[str]:
    """Ours against the full model in the same number format, in a few rows."""
    against = {
        "ours, float32": "full, sorted",
        "ours, int8": "full int8, sorted",
        "ours, bfloat16": "full bfloat16, sorted",
    }
    found = _speeds()
    lines = [
        f"| shape, layers left | passages | {_FULL}, ms | "
        + " | ".join(f"{name}, ms | against {other}" for name, other in against.items())
        + " |",
        f"|---|---|---|{'---|' * 2 * len(against)}",
    ]
    for result in found:
        n, k = result["num_hidden_layers"], result["num_lower_layers"]
        for row in result["rows"]:
            ms, ratios = row["ms_a_question"], row["times_as_fast"]
            cells = [
                f"{result['shape']}, {n - k} of {n}",
                row["top_k"],
                f"{ms[_FULL]['median']:,.0f}",
            ]
            for name, other in against.items():
                cells += ["", ""]
                if name in ms and other in ms:
                    cells[-2:] = [
                        f"{ms[name]['median']:,.0f}",
                        with_ends(ratios[name][other], "x", 1),
                    ]
            lines.append(f"| {' | '.join(map(str, cells))} |")
    files = ", ".join(f"`{result['file']}`" for result in found)
    return [*lines, "", f"`python benchmarks/speed.py` → {files}"]


def early_stop() -> str:
    """What stopping early leaves out, what it costs, and what comes of it together with speed."""
    result = newest("early-stop")
    stopped, whole = result["early_stop_held_out"], result["all_passages_held_out"]
    faster = result["time"]["times_as_fast"]
    share = stopped["passages_read"] / result["top_k"]
    lines = [
        f"Margin {result['margin']:g}, chosen on half of {result['n_questions']:,} questions of "
        f"`{result['questions']}` over `{result['corpus']}`; on the other half, of "
        f"{result['top_k']} passages {stopped['passages_read']:.1f} are read, EM "
        f"{stopped['exact_match']:.1f} instead of {whole['exact_match']:.1f}. Whole questions are "
        f"answered {faster['median']} times as fast ({faster['least']} to {faster['most']}).",
        "",
        "![EM by passages read](early-stop.png)",
        "",
        _source("early_stop", result),
    ]
    return "\n".join([*lines, *_with_early_stop(result["top_k"], share)])


def _with_early_stop(top_k: int, share: float) -> list[str]:
    """Ratios to the full model, were as few passages read: derived, not measured."""
    found = [
        (result["shape"], name, ratios[_FULL]["median"])
        for result in _speeds()
        for row in result["rows"]
        if row["top_k"] == top_k
        for name, ratios in row["times_as_fast"].items()
    ]
    if not found:
        return []
    return [
        "",
        f"Cost is linear in the passages read, so that reading {100 * share:.0f} % of {top_k} "
        "multiplies the measured ratio to the full model over all of them (padded). The last "
        "column is this product, not a measurement; EM was measured before the third round.",
        "",
        "| shape | system | measured, all passages | with early stop, derived |",
        "|---|---|---|---|",
        *(f"| {shape} | {name} | {r:.1f}x | {r / share:.1f}x |" for shape, name, r in found),
    ]


def _peak(row: dict[str, Any]) -> float:
    return float(row["ready_mib"] + row["reading_mib"])


def _less(mib: float, than: float | None) -> str:
    return f"{mib:,.0f}" + ("" if than is None else f" ({100 * (mib / than - 1):+.0f} %)")


def peak_memory() -> str:
    """What reading takes beyond the loaded model."""
    result = newest("peak-memory")
    full = {row["shape"]: row for row in result["rows"] if row["system"] == _FULL}
    lines = [
        f"Reading {result['top_k']} passages, each system in a process of its own: resident memory "
        "when it is ready, how far it rises from there, and the peak, which is their sum; in "
        "brackets, against full, padded.",
        "",
        "| shape | system | ready, MiB | reading, MiB | peak, MiB |",
        "|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        ready, reading = row["ready_mib"], row["reading_mib"]
        beside = full[row["shape"]]
        is_full = row["system"] == _FULL
        lines.append(
            f"| {row['shape']} | {row['system']} | {ready:,.0f} "
            f"| {_less(reading, None if is_full else beside['reading_mib'])} "
            f"| {_less(ready + reading, None if is_full else _peak(beside))} |"
        )
    return "\n".join([*lines, "", _source("peak_memory", result)])


def latency() -> str:
    """Whole questions: percentiles, stages, slope."""
    result = newest("latency")
    ms, line = result["latency_ms"], result["line"]
    stages = list(result["by_top_k"][0]["stage_ms"])
    machine = result["machine"]
    lines = [
        f"{result['n_questions']:,} questions of `{result['questions']}` over `{result['corpus']}` "
        f"({result['n_passages']:,} passages, {result['codec']}), read with {result['runtime']} in "
        f"{_number_format(result)} on {machine['threads']} threads of an {machine['cpu']}; top-20: "
        f"half take less than {ms['p50']:.0f} ms, 95 % less than {ms['p95']:.0f} ms.",
        "",
        f"Where it goes, ms, means of {result['n_questions_split']} questions:",
        "",
        f"| passages | {' | '.join(stages)} | median of the whole |",
        f"|---|{'---|' * (len(stages) + 1)}",
    ]
    for row in result["by_top_k"]:
        cells = " | ".join(f"{row['stage_ms'][stage]:.1f}" for stage in stages)
        lines.append(f"| {row['top_k']} | {cells} | {row['total_ms']:.1f} |")
    lines += [
        "",
        f"A passage costs {line['ms_a_passage']:.2f} ms, a question {line['ms_fixed']:.1f} ms "
        f"before the first; this line explains {100 * line['r_squared']:.1f} % of the variance.",
        "",
        "![Time by stage](latency.png)",
        "",
    ]
    return "\n".join([*lines, _source("latency", result)])


def _number_format(result: dict[str, Any]) -> str:
    is_int8 = result["runtime"] == "onnx-int8"
    return "int8" if is_int8 else str(result["precision"])


def with_ends(value: dict[str, float], unit: str, digits: int) -> str:
    """A median, with the least and the most of all rounds."""
    median, least, most = (f"{value[n]:.{digits}f}" for n in ("median", "least", "most"))
    return f"{median}{unit} ({least} to {most})"


def _source(script: str, result: dict[str, Any]) -> str:
    return f"`python benchmarks/{script}.py` → `{result['file']}`"


SPEED_TABLES: dict[str, Callable[[], str]] = {
    "speed": speed,
    "early-stop": early_stop,
    "peak-memory": peak_memory,
    "latency": latency,
}
