"""How well does the reader recognise that there is no answer?

    python benchmarks/no_answer.py squad20-dev.jsonl.gz
    python benchmarks/no_answer.py squad20-dev.jsonl.gz --index INDEX --questions NQ-OPEN-DEV

`QuestionAnswerer` with ``handle_impossible_answer`` answers questions that only look answerable, as
in SQuAD 2.0, and questions that are asked of a text on another subject. With ``--index``,
`OpenDomainQA` answers the questions that ``preread calibrate`` holds out by default, from the
passages that are found, and from those of them that hold no answer. Every second question chooses
the threshold, and the others are scored.
"""

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from common import ROOT, add_sample, command_line, drawn, write_result
from matplotlib.figure import Figure
from numpy.typing import NDArray
from preread.data import Question, ReadingExample, read_examples, read_questions, score_answer
from preread.data.metrics.intervals import middle
from preread.data.metrics.judging import holds_answer, score_prediction
from preread.indexer import Hit
from preread.pipeline import OpenDomainQA, QuestionAnswerer
from preread.pipeline.calibration.calibrate import in_halves
from preread.pipeline.qa.ranking import rank
from preread.reader import Reader
from tqdm import tqdm

_ALL = 1000
"""More answers than a text has, so that "none" is among them."""
_DEPTH = 100
"""Passages that are found; the first without an answer are read."""
_RESAMPLES = 1000
_COVERAGES = tuple(range(5, 101, 5))
"""Percent of the questions that are answered, in the curve."""


@dataclass(frozen=True, slots=True)
class Said:
    """What is said to one question."""

    has_answer: bool
    null: float
    """Probability that there is none."""
    answered: tuple[float, float]
    """EM and F1 of the best answer."""

    def scores(self, threshold: float) -> tuple[float, float]:
        """EM and F1 where a question with a null probability above the threshold has no answer."""
        if self.null > threshold:
            return (0.0, 0.0) if self.has_answer else (1.0, 1.0)
        return self.answered if self.has_answer else (0.0, 0.0)


def ask(answerer: QuestionAnswerer, example: ReadingExample) -> Said:
    """Answer one question, with the best answer and with "none"."""
    found: Any = answerer(
        question=example.question,
        context=example.context,
        top_k=_ALL,
        max_answer_len=30,
        handle_impossible_answer=True,
    )
    null = next(a["score"] for a in found if not a["answer"])
    text = next(a["answer"] for a in found if a["answer"])
    answered = score_answer(text, example.answers) if example.answers else (0.0, 0.0)
    return Said(bool(example.answers), null, answered)


def ask_index(qa: OpenDomainQA, question: Question, top_k: int) -> list[Said]:
    """Answer one question from the passages found, and from those that hold no answer."""
    hits = qa.retriever.search(question.question, _DEPTH)
    holds = [holds_answer(question, qa.index.passage(hit.ordinal).text) for hit in hits]
    without = [hit for hit, holds_one in zip(hits, holds, strict=True) if not holds_one]
    return [
        _from_passages(qa, question, hits[:top_k], has_answer=any(holds[:top_k])),
        _from_passages(qa, question, without[:top_k], has_answer=False),
    ]


def _from_passages(
    qa: OpenDomainQA, question: Question, hits: list[Hit], *, has_answer: bool
) -> Said:
    """Answer a question from some passages."""
    ranked = rank(qa.read(question.question, hits), qa.rule, 1)
    text = ranked.answers[0].answer if ranked.answers else ""
    return Said(has_answer, 1 - (ranked.confidence or 0.0), score_prediction(question, text))


def separation(said: Sequence[Said]) -> dict[str, Any]:
    """How often a question without an answer has the higher null probability of two (AUROC)."""
    null = np.array([s.null for s in said])
    is_none = np.array([not s.has_answer for s in said])
    draw = np.random.default_rng(0)
    resampled = [draw.integers(len(said), size=len(said)) for _ in range(_RESAMPLES)]
    areas = np.array([[_area(null[chosen], is_none[chosen]) for chosen in resampled]])
    return {
        "auroc": 100 * _area(null, is_none),
        "auroc_interval": (100 * middle(areas)[0]).tolist(),
    }


def _area(null: NDArray[np.float64], is_none: NDArray[np.bool_]) -> float:
    """The area under the curve, by the sum of ranks; equal numbers share the mean of theirs."""
    values, place, counts = np.unique(null, return_inverse=True, return_counts=True)
    ranks = (counts.cumsum() - (counts - 1) / 2)[place]
    n = int(is_none.sum())
    return float((ranks[is_none].sum() - n * (n + 1) / 2) / (n * (len(null) - n)))


def curve(said: Sequence[Said]) -> list[dict[str, float]]:
    """Share of wrong answers where the surest questions alone are answered.

    Source: El-Yaniv and Wiener 2010 (https://jmlr.org/papers/v11/el-yaniv10a.html), section 2.
    """
    surest = sorted(said, key=lambda s: s.null)
    right = np.cumsum([s.answered[0] if s.has_answer else 0.0 for s in surest])
    rows = []
    for coverage in _COVERAGES:
        n = max(1, round(len(said) * coverage / 100))
        rows.append({"coverage": coverage, "risk": 100 * (1 - right[n - 1] / n)})
    return rows


def measure(chosen_on: Sequence[Said], scored: Sequence[Said]) -> dict[str, Any]:
    """Choose the threshold of the best F1 on some questions; score others."""
    thresholds = np.array([*sorted({s.null for s in chosen_on}), 1.0])
    best = max(thresholds[:: max(1, len(thresholds) // 1000)], key=lambda t: _f1(chosen_on, t))
    rows = {}
    for name, threshold in (("0.5", 0.5), ("chosen", float(best))):
        em, f1 = np.mean([s.scores(threshold) for s in scored], axis=0)
        told = np.mean([(s.null > threshold) != s.has_answer for s in scored])
        rows[name] = {
            "threshold": threshold,
            "exact_match": float(100 * em),
            "f1": float(100 * f1),
            "told_apart": float(100 * told),
        }
    n_without = sum(not s.has_answer for s in scored)
    counts = {"n_scored": len(scored), "n_without": n_without}
    return {**separation(scored), "thresholds": rows, **counts, "curve": curve(scored)}


def _f1(said: Sequence[Said], threshold: float) -> float:
    """Mean F1 at a threshold."""
    return float(np.mean([s.scores(threshold)[1] for s in said]))


def strayed(examples: Sequence[ReadingExample], seed: int) -> list[ReadingExample]:
    """Questions with an answer, every other one asked of a text of another title."""
    draw = random.Random(seed)
    chosen = [example for example in examples if example.answers]
    texts = [(example.title, example.context) for example in examples]

    def elsewhere(example: ReadingExample) -> ReadingExample:
        while True:
            title, context = draw.choice(texts)
            if title != example.title:
                return replace(example, context=context, answers=(), answer_starts=())

    # Pairs of equal kind: every second question is scored, and both kinds have to be among these.
    return [elsewhere(e) if number % 4 < 2 else e for number, e in enumerate(chosen)]


def plot(rows: Sequence[dict[str, Any]], target: Path) -> None:
    """Draw the share of wrong answers by the share of questions that are answered."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for row in rows:
        label = f"{row['task']} (AUROC {row['auroc']:.1f})"
        axes.plot(
            [one["coverage"] for one in row["curve"]],
            [one["risk"] for one in row["curve"]],
            marker=".",
            label=label,
        )
    axes.set_xlabel("questions answered, %")
    axes.set_ylabel("wrong answers, % of those")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(target, dpi=120)


def open_domain(options: argparse.Namespace) -> dict[str, Any]:
    """Ask the questions that ranking was not fitted to, each twice."""
    qa = OpenDomainQA.from_index(options.index, retriever=options.retriever)
    _, questions = in_halves(list(read_questions(options.questions)), 0)
    asked = [ask_index(qa, q, options.top_k) for q in tqdm(questions, desc="open domain")]
    halves = ([one for both in asked[half::2] for one in both] for half in (0, 1))
    task = f"passages of {options.retriever}, and those without an answer"
    corpus = {"questions": options.questions.name, "top_k": options.top_k}
    return {"task": task, **corpus, **measure(*halves)}


def main() -> None:
    """Ask all questions."""
    parser = command_line(__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--reader", default="default")
    add_sample(parser, "questions of the data set")
    parser.add_argument("--index", type=Path)
    parser.add_argument("--questions", type=Path)
    parser.add_argument("--retriever", default="bm25")
    parser.add_argument("--top-k", type=int, default=20)
    options = parser.parse_args()
    examples = list(read_examples(options.dataset))
    reader = Reader.load(options.reader)
    answerer = QuestionAnswerer(reader)
    tasks = {
        "as the set has them": drawn(examples, options.sample, options.seed),
        "a text of another article": strayed(
            drawn(examples, options.sample, options.seed), options.seed
        ),
    }
    rows = []
    for task, chosen in tasks.items():
        said = [ask(answerer, example) for example in tqdm(chosen, desc=task)]
        rows.append({"task": task, **measure(said[::2], said[1::2])})
    if options.index:
        rows.append(open_domain(options))
    for row in rows:
        print({name: value for name, value in row.items() if name != "curve"})
    write_result(
        "no-answer",
        {
            "dataset": options.dataset.name,
            "seed": options.seed if options.sample else None,
            "n_questions": len(tasks["as the set has them"]),
            "fingerprint": reader.fingerprint,
            "rows": rows,
        },
    )
    plot(rows, ROOT / "docs" / "measurements" / "no-answer.png")


if __name__ == "__main__":
    main()
