"""Table of docs/answers.md, of the newest result."""

from collections.abc import Callable
from typing import Any

from common import newest


def aggregation() -> str:
    """EM and F1 by step, calibration, and what a threshold leaves."""
    result = newest("aggregation")
    drawn = f", drawn with seed {result['seed']}" if result["seed"] is not None else ""
    n_held_out = result["n_questions"] - result["n_fitted"]
    lines = [
        f"`{result['questions']}` over `{result['corpus']}` ({result['codec']}): "
        f"{result['n_fitted']:,} questions fit the weights, {n_held_out:,} others{drawn} are "
        "scored. In brackets, where figures lie with 95 % (bootstrap; of differences, paired).",
        "",
        "| reader | passages | an answer is | EM | more than with the reader's own weight | F1 |",
        "|---|---|---|---|---|---|",
    ]
    for name, top_k, found in _cutoffs(result):
        for row in found["rows"]:
            lines.append(
                f"| {name} | {top_k} | {row['step']} | {with_interval(row, 'exact_match')} "
                f"| {with_interval(row, 'exact_match_more', '+')} | {with_interval(row, 'f1')} |"
            )
    lines += [
        "",
        "| reader | passages | BM25 | passage score | temperature | calibration error of scores "
        "| of confidences | answered at 0.5 | EM of those |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, top_k, found in _cutoffs(result):
        weights = found["rows"][-1]["weights"]
        lines.append(
            f"| {name} | {top_k} | {weights['bm25_weight']:.2f} | {weights['passage_weight']:.2f} "
            f"| {weights['answer_temperature']:.2f} | {_calibration(found)} |"
        )
    lines += ["", "![How often answers of a confidence are right](confidence.svg)", ""]
    return "\n".join([*lines, f"`python benchmarks/aggregation.py` → `{result['file']}`"])


def with_vectors() -> str:
    """EM and F1 by step where vectors find the passages, with what BM25's give beside them."""
    of_bm25, first = newest("aggregation"), newest("aggregation-dense")
    n_held_out = first["n_questions"] - first["n_fitted"]
    lines = [
        f"`{first['questions']}` over `{first['corpus']}` ({first['codec']}), the decomposed "
        f"reader; {first['n_fitted']:,} questions fit the weights, {n_held_out:,} others are "
        "scored. In brackets, where figures lie with 95 % (bootstrap).",
        "",
        "| passages found by | how many | an answer is | EM | F1 |",
        "|---|---|---|---|---|",
    ]
    for result, retriever in ((of_bm25, "bm25"), (first, "dense")):
        for name, top_k, found in _cutoffs(result):
            if name == _split(0):
                continue
            rows = found["rows"][-1:] if result is of_bm25 else found["rows"][1:]
            for row in rows:
                lines.append(
                    f"| {retriever} | {top_k} | {row['step']} "
                    f"| {with_interval(row, 'exact_match')} | {with_interval(row, 'f1')} |"
                )
    lines += [
        "",
        "| passages found by | how many | BM25 | similarity | temperature | calibration error of "
        "scores | of confidences | answered at 0.5 | EM of those |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for _, top_k, found in _cutoffs(first):
        weights = found["rows"][-1]["weights"]
        lines.append(
            f"| dense | {top_k} | {weights['bm25_weight']:.2f} "
            f"| {weights['similarity_weight']:.1f} | {weights['answer_temperature']:.2f} "
            f"| {_calibration(found)} |"
        )
    source = f"`python benchmarks/aggregation.py --retriever dense` → `{first['file']}`"
    return "\n".join([*lines, "", source, "", *_beside_the_full(), "", *_end_to_end()])


def _beside_the_full() -> list[str]:
    """Both readers on the same passages."""
    results = [newest(f"aggregation-{name}-full") for name in ("bm25", "dense")]
    lines = [
        "The full model (k = 0) on the same passages in the same run, weights fitted for each:",
        "",
        "| reader | passages found by | how many | EM | F1 |",
        "|---|---|---|---|---|",
    ]
    for result in results:
        for name, top_k, found in _cutoffs(result):
            row = found["rows"][-1]
            lines.append(
                f"| {name} | {result['retriever']} | {top_k} | {with_interval(row, 'exact_match')} "
                f"| {with_interval(row, 'f1')} |"
            )
    files = ", ".join(f"`{result['file']}`" for result in results)
    return [*lines, "", f"`python benchmarks/aggregation.py` → {files}"]


def _end_to_end() -> list[str]:
    """What a user gets on all questions, and how soon."""
    lines = [
        "End to end, with what ships, all questions (half of which fitted the weights), float32:",
        "",
        "| retriever | EM at 1 passage | 5 | 20 | F1 at 20 | finding, ms | a question, p50, ms "
        "| p95 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    files = []
    for retriever, suffix in (("bm25", ""), ("dense", "-dense")):
        result = newest(f"open-domain-wiki-passages{suffix}")
        (score,) = result["scores"]
        exact = [f"{score['exact_match_by_passages'][n]:.1f}" for n in ("1", "5", "20")]
        ms = score["latency_ms"]
        lines.append(
            f"| {retriever} | {' | '.join(exact)} | {score['f1']:.1f} "
            f"| {score['stage_ms']['retrieve']:.0f} | {ms['p50']:.0f} | {ms['p95']:.0f} |"
        )
        files.append(f"`{result['file']}`")
    return [*lines, "", f"`python benchmarks/open_domain.py` → {', '.join(files)}"]


def arms() -> str:
    """EM of readers that learned to compare passages, and not to, from one base."""
    results = [newest(f"aggregation-{name}") for name in ("arms", "arms-20k")]
    first = results[0]
    n_held_out = first["n_questions"] - first["n_fitted"]
    lines = [
        f"EM on {n_held_out:,} questions of `{first['questions']}` ({first['codec']}); the "
        f"{first['n_fitted']:,} others fit the weights. In brackets, where it lies with 95 % "
        "(bootstrap).",
        "",
        "| corpus | reader | passages | best span | with BM25 | equal answers summed |",
        "|---|---|---|---|---|---|",
    ]
    for result in results:
        for name, reader in result["readers"].items():
            for top_k, found in reader["top_k"].items():
                by_step = {row["step"]: row for row in found["rows"]}
                cells = [
                    with_interval(by_step[step], "exact_match")
                    for step in ("best span", "BM25", "equal answers summed")
                ]
                lines.append(f"| `{result['corpus']}` | {name} | {top_k} | {' | '.join(cells)} |")
    files = ", ".join(f"`{result['file']}`" for result in results)
    return "\n".join([*lines, "", f"`python benchmarks/aggregation.py` → {files}"])


def _calibration(found: dict[str, Any]) -> str:
    """Cells: how well scores and confidences hold, and what a threshold leaves."""
    known = found["calibration"]
    (half,) = (one for one in known["thresholds"] if one["min_confidence"] == 0.5)
    return (
        f"{known['score']['expected_calibration_error']:.1f} "
        f"| {known['confidence']['expected_calibration_error']:.1f} "
        f"| {half['answered']:.0f} % | {_known(half['exact_match_of_answered'])}"
    )


def answer_summary() -> list[str]:
    """What README says of it: EM and F1 of the plain best span and of the last step."""
    result, dense = newest("aggregation"), newest("aggregation-dense")
    n_held_out = result["n_questions"] - result["n_fitted"]
    lines = [
        "| reader | passages found by | read | best span, EM | ranked as fitted, EM | F1 |",
        "|---|---|---|---|---|---|",
    ]
    for one in (result, dense):
        for name, top_k, found in _cutoffs(one):
            plain, fitted = found["rows"][0], found["rows"][-1]
            lines.append(
                f"| {name} | {one.get('retriever', 'bm25')} | {top_k} "
                f"| {with_interval(plain, 'exact_match')} "
                f"| {with_interval(fitted, 'exact_match')} | {with_interval(fitted, 'f1')} |"
            )
    script = f"`python benchmarks/aggregation.py` → `{result['file']}`, `{dense['file']}`"
    return [
        f"Open domain: `{result['questions']}` over `{result['corpus']}`, read from "
        f"{result['codec']} in {result['precision']}. {result['n_fitted']:,} questions fitted how "
        f"answers are ranked ([docs/answers.md](docs/answers.md)), the {n_held_out:,} others are "
        "scored; in brackets, where figures lie with 95 %:",
        "",
        *lines,
        "",
        script,
    ]


def _cutoffs(result: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Reader, passages read and what was found."""
    return [
        (_split(reader["num_lower_layers"]), top_k, found)
        for reader in result["readers"].values()
        for top_k, found in reader["top_k"].items()
    ]


def _split(num_lower_layers: int) -> str:
    return f"decomposed, k = {num_lower_layers}" if num_lower_layers else "full, k = 0"


def with_interval(row: dict[str, Any], name: str, sign: str = "") -> str:
    """A cell: a score, and where it lies with 95 %."""
    low, high = row[f"{name}_interval"]
    return f"{row[name]:{sign}.1f} ({low:{sign}.1f} {high:{sign}.1f})"


def _known(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


ANSWER_TABLES: dict[str, Callable[[], str]] = {
    "aggregation": aggregation,
    "aggregation-dense": with_vectors,
}
