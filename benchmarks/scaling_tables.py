"""Tables of docs/scaling.md: sizing, Ray, and the rehearsal's growth, with its plot.

    python benchmarks/scaling_tables.py

Sizing is derived: operations of the lower layers from the shapes' parameters, bytes from an index
that was measured. Growth: a straight line through the costs (least squares, so that each counts by
its distance), and the exponent between the two largest indexes: 1 grows with the passages, 0 not at
all. Both are extrapolated; a cost that falls is taken to stay.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import fill, newest
from matplotlib.figure import Figure

PASSAGE_TOKENS = 145
"""Of a passage of Wikipedia, title and [SEP]s included; see docs/profile.md."""
CODE_BYTES = 9
"""A token's, in the codec of the shipped reader."""
SHIPPED = (384, 4, 4 * 12 * 384**2)
"""Width, lower layers, and the parameters of their products."""
DEVICE_TERAFLOPS = (0.1, 10, 100, 300)
"""Achieved, not on the data sheet: what a core pair, and GPUs of several makes, may come to."""
ROOT = Path(__file__).parents[1]
WEIGHTS = ROOT / "reader" / "checkpoints" / "deformer-minilm-l6" / "model.safetensors"
"""Of the shipped reader, in float16."""
DOCS = ROOT / "docs"
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
        f"| passages | {heads} | exponent | {WIKIPEDIA:,}: line | power |",
        f"|---|{'---|' * len(sizes)}---|---|---|",
    ]
    for name, values in costs.items():
        slope, intercept, exponent = fitted(sizes, values)
        cells = " | ".join(number(value) for value in values)
        line = number(slope * WIKIPEDIA + intercept) if slope > 0 else "as now"
        power = number(values[-1] * (WIKIPEDIA / sizes[-1]) ** max(0.0, exponent))
        lines.append(f"| {name} | {cells} | {exponent:.2f} | {line} | {power} |")
    return "\n".join([*lines, "", f"`python benchmarks/scaling_tables.py` ← `{result['file']}`"])


def sizing() -> str:
    """What all of Wikipedia takes, by shape and codec."""
    profiles = {p["reader"]: p for p in newest("profile-table")["profiles"]}
    codecs = newest("codecs")
    beside = codecs["bytes_beside_codes"]
    open_domain = newest("open-domain")
    texts = _text_bytes_a_passage()
    rates = " | ".join(f"hours at {rate:g} TFLOP/s" for rate in DEVICE_TERAFLOPS)
    lines = [
        "| reader | weights in float32, GB | GFLOP a passage "
        f"| float16, GB | int8, GB | 9 bytes a token, GB | {rates} |",
        f"|---|---|---|---|---|---|{'---|' * len(DEVICE_TERAFLOPS)}",
    ]
    shapes = [("deformer-minilm-l6, k = 4", 2 * WEIGHTS.stat().st_size, *SHIPPED)]
    for name in ("bert-base", "bert-large"):
        profile = profiles[name]
        k, width, parameters = (
            profile[field] for field in ("num_lower_layers", "hidden_size", "parameters")
        )
        named = f"{name}, k = {k}"
        shapes.append((named, 4 * parameters["all"], width, k, parameters["lower_layers"]))
    for name, n_bytes, width, k, n_lower in shapes:
        flops = _lower_flops(width, k, n_lower)
        sizes = " | ".join(
            f"{WIKIPEDIA * (PASSAGE_TOKENS * (code + beside) + texts) / 1e9:,.0f}"
            for code in (2 * width, width + 2, CODE_BYTES)
        )
        hours = " | ".join(
            number(WIKIPEDIA * flops / rate / 1e12 / 3600) for rate in DEVICE_TERAFLOPS
        )
        lines.append(f"| {name} | {n_bytes / 1e9:.2f} | {flops / 1e9:.2f} | {sizes} | {hours} |")
    return "\n".join(
        [*lines, "", f"`python benchmarks/scaling_tables.py` ← `{codecs['file']}`, "
         f"`{newest('profile-table')['file']}`, `{open_domain['file']}`"]
    )  # fmt: skip


def ray_build() -> str:
    """Seconds of builds, and whether they gave the same bytes."""
    result = newest("ray-build")
    lines = [
        f"{result['n_passages']:,} passages of `{result['corpus']}` in {result['n_shards']} "
        f"shards; Ray {result['ray']}, all nodes on one machine of "
        f"{result['machine']['threads']} threads.",
        "",
        "| build | seconds |",
        "|---|---|",
        *(f"| {name} | {seconds:.0f} |" for name, seconds in result["seconds"].items()),
        "",
    ]
    same = "the same" if all(result["same_as_local"].values()) else "NOT the same"
    killed = (
        f"The worker was killed when {result['worker_killed']['shards_written']} shards were "
        f"written, the node at {result['node_killed']['shards_written']}. Bytes of all builds: "
        f"{same}."
    )
    return "\n".join([*lines, killed, "", f"`benchmarks/ray_build.py` → `{result['file']}`"])


def ray_serve() -> str:
    """Equality with the whole index, and what the loss of a part does."""
    result = newest("ray-serve")
    same, lost = result["comparison"], result["part_killed"]
    statuses = ", ".join(f"{n:,} of {status}" for status, n in lost["statuses"].items())
    return "\n".join(
        [
            f"{result['n_parts']} parts and {result['n_fronts']} fronts on one machine of "
            f"{result['machine']['threads']} threads, open after {result['ready_after_s']:.0f} s. "
            "Of "
            f"{same['n_questions']} questions of `{result['questions']}`, top-{result['top_k']}, "
            f"{same['same_best_answer_and_place']} got the best answer of the whole index, at the "
            f"same place, and {same['same_five_answers_in_order']} the same five answers in the "
            f"same order; scores differ by {same['score_off_by_at_most']:g} at most.",
            "",
            f"Under load ({lost['clients']} clients without a pause, {lost['seconds']:.0f} s) the "
            f"process of a part was killed. Statuses: {statuses}. Marked as partial: "
            f"{lost['n_partial']:,} of {lost['n_replies']:,}; full answers again "
            f"{lost['full_again_after_s']:g} s after the kill. A reply took "
            f"{lost['ms_before']['median']:,.0f} ms in the median before, and of the partial ones "
            f"{lost['ms_partial'].get('median', 0):,.0f} ms, "
            f"{lost['ms_partial'].get('most', 0):,.0f} at most.",
            "",
            f"`benchmarks/ray_serve.py` → `{result['file']}`",
        ]
    )


def number(value: float) -> str:
    """Three digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def plot_growth(result: dict[str, Any]) -> None:
    """A panel for each cost, both axes logarithmic, with the line and the power law."""
    sizes, costs = columns(result)
    across = 4
    down = -(-len(costs) // across)
    figure = Figure(figsize=(3.2 * across, 2.6 * down), layout="constrained")
    panels = figure.subplots(down, across).ravel()
    further = np.geomspace(sizes[0], WIKIPEDIA, 50)
    for axes, (name, values) in zip(panels, costs.items(), strict=False):
        slope, intercept, exponent = fitted(sizes, values)
        line = slope * further + intercept if slope > 0 else np.full_like(further, values[-1])
        beyond = further[further >= sizes[-1]]
        power = values[-1] * (beyond / sizes[-1]) ** max(0.0, exponent)
        axes.loglog(sizes, values, "o")
        axes.loglog(further, line, "--", linewidth=1)
        axes.loglog(beyond, power, ":")
        shown = np.concatenate([values, line[further >= sizes[-1]], power])
        axes.set_ylim(shown.min() / 2, shown.max() * 2)  # what hardly grows looks flat
        axes.set_title(name, fontsize=8)
    for axes in panels[len(costs) :]:
        axes.set_visible(False)
    figure.supxlabel("passages")
    figure.savefig(DOCS / "scaling.png", dpi=110)


def sizing_checked() -> str:
    """What the sizing says of indexes that were built, beside what they are."""
    result = newest("rehearsal")
    beside = newest("codecs")["bytes_beside_codes"]
    texts = _text_bytes_a_passage()
    lines = [
        "| passages | derived, GB | measured, GB | encoded and written, passages/s | GFLOP/s |",
        "|---|---|---|---|---|",
    ]
    for row in sorted(result["rows"], key=lambda row: int(row["index"]["n_passages"])):
        index, build = row["index"], row["build"]
        n = index["n_passages"]
        derived = n * (PASSAGE_TOKENS * (CODE_BYTES + beside) + texts)
        if "n_generated" in build:
            rate = build["n_generated"] / build["tokenising_and_writing"]
            achieved = f"{rate:,.0f}, without states | "
        else:
            rate = build["n_encoded_after_first_shard"] / build["encoding_and_writing"]
            achieved = f"{rate:.1f} | {rate * _lower_flops(*SHIPPED) / 1e9:,.0f}"
        lines.append(
            f"| {n:,} | {derived / 1e9:.3g} | {index['bytes_total'] / 1e9:.3g} | {achieved} |"
        )
    return "\n".join([*lines, "", f"`python benchmarks/scaling_tables.py` ← `{result['file']}`"])


def _lower_flops(width: int, k: int, parameters: int) -> int:
    """Operations of the lower layers for one passage."""
    return 2 * parameters * PASSAGE_TOKENS + 4 * k * width * PASSAGE_TOKENS**2


def _text_bytes_a_passage() -> float:
    """Texts and BM25 of an index that was measured."""
    index = newest("open-domain")["index"]
    return float(index["bytes_text"] + index["bytes_lucene"]) / float(index["n_passages"])


SCALING_TABLES: dict[str, Callable[[], str]] = {
    "sizing": sizing,
    "sizing-checked": sizing_checked,
    "ray-build": ray_build,
    "ray-serve": ray_serve,
    "rehearsal": growth,
}


def main() -> None:
    """Fill the page."""
    plot_growth(newest("rehearsal"))
    fill(DOCS / "scaling.md", {name: table() for name, table in SCALING_TABLES.items()})


if __name__ == "__main__":
    main()
