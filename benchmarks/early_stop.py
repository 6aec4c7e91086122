"""What is lost, and what is saved, when reading stops early?

    python benchmarks/early_stop.py INDEX QUESTIONS --top-k 100

All passages of every question are read once. What each margin would have left unread and answered
follows from the logits. Even-numbered questions choose the smallest margin that loses no more EM
than allowed, and odd-numbered questions show what it gives. These are then answered again, with and
without the margin in turns, to measure the time that it saves. ``--write`` writes the margin into
the ``ranking.json`` of a reader's folder.
"""

import statistics
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from common import ROOT, add_sample, command_line, drawn, write_result
from matplotlib.figure import Figure
from preread.data import Question, read_questions, score_answer
from preread.pipeline import OpenDomainQA
from preread.pipeline.qa.reading import batch_ends
from preread.pipeline.qa.types import Candidate, ReadRequest, RequestedPassage
from preread.reader.ranking import load_ranking
from timing import ratios
from tqdm import tqdm

MARGINS = tuple(np.arange(-6.0, 24.5, 0.5).tolist())


@dataclass
class Recorded:
    """One question, read with all its passages."""

    passage_scores: list[float]
    steps_at: list[int]
    """Which passages gave an answer better than all before."""
    logits: list[float]
    """Of those answers."""
    exact_match: list[float]

    def stop(self, margin: float) -> tuple[int, float]:
        """Passages read, and EM of the answer."""
        n_passages = len(self.passage_scores)
        for n_read in batch_ends(n_passages):
            step = bisect_right(self.steps_at, n_read - 1) - 1
            if n_read == n_passages or (
                step >= 0 and self.logits[step] - self.passage_scores[n_read] >= margin
            ):
                break
        return n_read, self.exact_match[step] if step >= 0 else 0.0


def record(qa: OpenDomainQA, question: Question, top_k: int) -> Recorded | None:
    """Read all passages of a question; None where there are none."""
    hits = qa.retriever.search(question.question, top_k)
    if not hits:
        return None
    passages = [RequestedPassage(hit.ordinal) for hit in hits]
    scores = [qa.bm25_weight * hit.score for hit in hits]
    request = ReadRequest(question.question, passages, scores)
    (found,) = qa.passage_reader.read([request], spans_per_passage=1)
    steps: list[Candidate] = []
    for one in sorted(found.candidates, key=lambda one: one.passage):
        if not steps or one.logit > steps[-1].logit:
            steps.append(one)
    exact = [score_answer(one.text, question.answers)[0] for one in steps]
    return Recorded(scores, [s.passage for s in steps], [s.logit for s in steps], exact)


def curve(recorded: list[Recorded]) -> list[dict[str, float]]:
    """Passages read and EM by margin."""
    rows = []
    for margin in MARGINS:
        found = np.array([one.stop(margin) for one in recorded])
        rows.append(
            {
                "margin": margin,
                "passages_read": round(float(found[:, 0].mean()), 2),
                "exact_match": round(100 * float(found[:, 1].mean()), 2),
            }
        )
    return rows


def choose(rows: list[dict[str, float]], whole: float, loss: float) -> float:
    """The smallest margin from which on no more than a loss of EM is met."""
    good = [row["margin"] for row in rows if row["exact_match"] >= whole - loss]
    bad = [row["margin"] for row in rows if row["exact_match"] < whole - loss]
    beyond = [margin for margin in good if margin > max(bad, default=-np.inf)]
    return min(beyond, default=MARGINS[-1])


def speed(
    qa: OpenDomainQA, questions: list[Question], margin: float, top_k: int, repeat: int
) -> dict[str, Any]:
    """Seconds for the same questions, all passages against early stop, in turns."""
    seconds: dict[str, list[float]] = {"all": [], "early stop": []}
    for _ in range(repeat):
        for kind, stop in (("all", None), ("early stop", margin)):
            qa.stop_margin = stop
            results = [qa.answer(question.question, top_k=top_k) for question in questions]
            seconds[kind].append(sum(one.timings.total_ms for one in results) / 1000)
    faster = ratios(seconds["all"], seconds["early stop"])
    return {
        "n_questions": len(questions),
        "seconds": seconds,
        "times_as_fast": {
            "median": round(statistics.median(faster), 2),
            "least": round(min(faster), 2),
            "most": round(max(faster), 2),
        },
    }


def plot(rows: list[dict[str, float]], chosen: float, target: Path) -> None:
    """EM by passages read."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([r["passages_read"] for r in rows], [r["exact_match"] for r in rows], "-")
    (point,) = (r for r in rows if r["margin"] == chosen)
    axes.plot(point["passages_read"], point["exact_match"], "o", label=f"margin {chosen:g}")
    axes.set_xlabel("passages read, mean")
    axes.set_ylabel("EM, held-out half")
    axes.legend()
    figure.savefig(target, dpi=130)


def main() -> None:
    """Read, choose, report."""
    parser = command_line(__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--top-k", type=int, default=100)
    add_sample(parser, "questions")
    parser.add_argument("--loss", type=float, default=0.5, help="EM that may be lost")
    parser.add_argument("--timed", type=int, default=20, help="questions that are timed")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--runtime", default="torch")
    parser.add_argument("--precision", default="float32", help="of the upper layers")
    parser.add_argument("--write", type=Path, metavar="READER", help="folder of the reader")
    options = parser.parse_args()
    questions = drawn(list(read_questions(options.questions)), options.sample, options.seed)
    qa = OpenDomainQA.from_index(
        options.index, runtime=options.runtime, precision=options.precision
    )
    found = [record(qa, question, options.top_k) for question in tqdm(questions)]
    tuning, held_out = ([one for one in half if one] for half in (found[::2], found[1::2]))
    whole = [100 * float(np.mean([one.stop(np.inf)[1] for one in x])) for x in (tuning, held_out)]
    margin = choose(curve(tuning), whole[0], options.loss)
    rows = curve(held_out)
    timed = questions[1::2][: options.timed]
    content = {
        "corpus": Path(qa.index.manifest.plan.corpus).name,
        "codec": qa.index.manifest.plan.codec,
        "questions": options.questions.name,
        "n_questions": len(questions),
        "seed": options.seed if options.sample else None,
        "top_k": options.top_k,
        "runtime": options.runtime,
        "precision": options.precision,
        "margin": margin,
        "all_passages_held_out": {"exact_match": round(whole[1], 2)},
        "early_stop_held_out": next(row for row in rows if row["margin"] == margin),
        "curve_held_out": rows,
        "time": speed(qa, timed, margin, options.top_k, options.repeat),
    }
    print(content["early_stop_held_out"], content["all_passages_held_out"], content["time"])
    write_result("early-stop", content)
    if options.write:
        ranking = load_ranking(str(options.write)).changed(stop_margin=margin)
        print(ranking.save(options.write))
    plot(rows, margin, ROOT / "docs" / "measurements" / "early-stop.png")


if __name__ == "__main__":
    main()
