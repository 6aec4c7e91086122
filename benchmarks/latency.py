"""Where does the time of a question go, and how does it grow with the passages read?

    python benchmarks/latency.py INDEX QUESTIONS --sample 500 --split 100

Whole questions are answered one at a time: --sample of them from 20 passages for the percentiles,
and the first --split of these for the stages, at every --top-k, with all numbers of passages of a
question in turns. The slope is that of a least-squares line through the medians.
"""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from common import ROOT, add_sample, command_line, drawn, write_result
from matplotlib.figure import Figure
from preread.data import Question, read_questions
from preread.pipeline import OpenDomainQA
from tqdm import tqdm

WARM_UPS = 5
STAGES = ("retrieve", "fetch", "decode", "read", "answers")


def end_to_end(qa: OpenDomainQA, questions: Sequence[Question], top_k: int) -> dict[str, float]:
    """Percentiles of whole questions, in milliseconds."""
    found = [
        qa.answer(question.question, top_k=top_k).timings.total_ms
        for question in tqdm(questions, desc=f"top {top_k}", unit=" questions")
    ]
    ends = {f"p{p}": float(np.percentile(found, p)) for p in (50, 95)}
    return {name: round(ms, 2) for name, ms in {**ends, "most": max(found)}.items()}


def by_top_k(
    qa: OpenDomainQA, questions: Sequence[Question], top_ks: Sequence[int]
) -> list[dict[str, Any]]:
    """Stages and total by number of passages."""
    stages: dict[int, dict[str, list[float]]] = {k: {s: [] for s in STAGES} for k in top_ks}
    n_read: dict[int, list[int]] = {k: [] for k in top_ks}
    for question in tqdm(questions, desc="stages", unit=" questions"):
        for top_k in top_ks:
            result = qa.answer(question.question, top_k=top_k)
            n_read[top_k].append(result.n_read)
            for stage in STAGES:
                stages[top_k][stage].append(result.timings.stages.get(stage, 0.0))
    return [
        {
            "top_k": top_k,
            "passages_read": round(statistics.mean(n_read[top_k]), 2),
            "stage_ms": {s: round(statistics.mean(ms), 3) for s, ms in stages[top_k].items()},
            "total_ms": round(
                statistics.median(sum(ms) for ms in zip(*stages[top_k].values(), strict=True)), 3
            ),
        }
        for top_k in top_ks
    ]


def line(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The line through the totals, and how much of their variance it explains."""
    x, y = (np.array([row[name] for row in rows]) for name in ("passages_read", "total_ms"))
    slope, intercept = np.polyfit(x, y, 1)
    left = y - (slope * x + intercept)
    return {
        "ms_a_passage": round(float(slope), 4),
        "ms_fixed": round(float(intercept), 3),
        "r_squared": round(float(1 - left.var() / y.var()), 5),
    }


def plot(rows: Sequence[dict[str, Any]], target: Path) -> None:
    """A bar for each number of passages, stacked by stage; beside it the share of each stage."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    panels = figure.subplots(1, 2)
    names = [str(row["top_k"]) for row in rows]
    for axes, is_share in zip(panels, (False, True), strict=True):
        bottom = np.zeros(len(rows))
        for stage in STAGES:
            ms = np.array([row["stage_ms"][stage] for row in rows])
            if is_share:
                ms = 100 * ms / np.array([sum(row["stage_ms"].values()) for row in rows])
            axes.bar(names, ms, bottom=bottom, label=stage)
            bottom += ms
        axes.set_xlabel("passages read")
        axes.set_ylabel("% of the time" if is_share else "ms a question, mean")
    panels[1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
    figure.savefig(target, dpi=130)


def main() -> None:
    """Ask, time, draw."""
    parser = command_line(__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path)
    add_sample(parser, "questions", default=500)
    parser.add_argument("--split", type=int, default=100, help="questions timed at every --top-k")
    parser.add_argument("--top-k", type=int, nargs="+", default=[10, 20, 50, 100, 200, 500])
    parser.add_argument("--runtime", default="torch")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--stop-margin", type=float)
    options = parser.parse_args()
    qa = OpenDomainQA.from_index(
        options.index,
        runtime=options.runtime,
        precision=options.precision,
        stop_margin=options.stop_margin,
    )
    questions = drawn(list(read_questions(options.questions)), options.sample, options.seed)
    for question in questions[:WARM_UPS]:
        qa.answer(question.question, top_k=max(options.top_k))
    rows = by_top_k(qa, questions[: options.split], options.top_k)
    content = {
        "corpus": Path(qa.index.manifest.plan.corpus).name,
        "n_passages": len(qa.index),
        "codec": qa.index.manifest.plan.codec,
        "reader": qa.reader.name,
        "questions": options.questions.name,
        "seed": options.seed,
        "runtime": options.runtime,
        "precision": options.precision,
        "stop_margin": qa.stop_margin,
        "n_questions": len(questions),
        "latency_ms": end_to_end(qa, questions, 20),
        "n_questions_split": len(questions[: options.split]),
        "by_top_k": rows,
        "line": line(rows),
    }
    print(content["latency_ms"], content["line"])
    write_result("latency", content)
    plot(rows, ROOT / "docs" / "measurements" / "latency.png")


if __name__ == "__main__":
    main()
