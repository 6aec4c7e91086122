"""How well does the reader know that a text holds no answer?

    python benchmarks/no_answer.py --questions 2000 squad20-dev.jsonl.gz

`QuestionAnswerer` with ``handle_impossible_answer``, read with the upper layers of the reader's
weights and with those that its default codec brings. The threshold on "no answer" is chosen on
every second question, and scored on the others.
"""

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from common import newest, write_result
from preread.data import ReadingExample, read_examples, score_answer
from preread.pipeline import QuestionAnswerer
from preread.reader import Reader
from preread.reader.codecs import reader_of
from tqdm import tqdm

_ALL = 1000
"""More answers than a text has, so that "none" is among them."""


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
    found = answerer(
        question=example.question,
        context=example.context,
        top_k=_ALL,
        max_answer_len=30,
        handle_impossible_answer=True,
    )
    assert isinstance(found, list)
    null = next(a["score"] for a in found if not a["answer"])  # type: ignore[index]
    text = next(a["answer"] for a in found if a["answer"])  # type: ignore[index]
    answered = score_answer(text, example.answers) if example.answers else (0.0, 0.0)
    return Said(bool(example.answers), null, answered)


def separation(said: Sequence[Said]) -> float:
    """How often a question without an answer has the higher null probability of two (AUROC)."""
    null = np.array([s.null for s in said])
    impossible = np.array([not s.has_answer for s in said])
    above = null[impossible][:, None] - null[~impossible][None, :]
    return float((above > 0).mean() + (above == 0).mean() / 2)


def measure(said: Sequence[Said]) -> dict[str, Any]:
    """Choose the threshold on the even-numbered questions; score the odd-numbered ones."""
    chosen_on, scored = said[::2], said[1::2]
    thresholds = [*sorted(s.null for s in chosen_on), 1.0]
    best = max(thresholds, key=lambda t: np.mean([s.scores(t)[1] for s in chosen_on]))
    rows = {}
    for name, threshold in (("0.5", 0.5), ("chosen", best)):
        em, f1 = np.mean([s.scores(threshold) for s in scored], axis=0)
        told = np.mean([(s.null > threshold) != s.has_answer for s in scored])
        rows[name] = {
            "threshold": threshold,
            "exact_match": 100 * em,
            "f1": 100 * f1,
            "told_apart": 100 * told,
        }
    return {"auroc": 100 * separation(scored), "thresholds": rows, "n_scored": len(scored)}


def table() -> str:
    """Both readers, of the newest result."""
    result = newest("no-answer")
    lines = [
        f"`{result['dataset']}`, {result['n_questions']:,} questions drawn with seed "
        f"{result['seed']}, {result['n_impossible']:,} of them without an answer; every second one "
        "chooses the threshold, the others are scored.",
        "",
        "| upper layers | the higher of two (AUROC) | threshold | told apart | EM | F1 |",
        "|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        for of in row["thresholds"].values():
            lines.append(
                f"| {row['upper_layers']} | {row['auroc']:.1f} | {of['threshold']:.3g} "
                f"| {of['told_apart']:.1f} | {of['exact_match']:.1f} | {of['f1']:.1f} |"
            )
    lines += ["", f"`python benchmarks/no_answer.py` → `{result['file']}`"]
    return "\n".join(lines)


def main() -> None:
    """Ask all questions with either upper layers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--reader", default="default")
    parser.add_argument("--questions", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    examples = list(read_examples(options.dataset))
    examples = random.Random(options.seed).sample(examples, options.questions)
    reader = Reader.load(options.reader)
    rows = []
    for name, arm in (("of the weights", reader), ("of the codec", reader_of(None, reader))):
        answerer = QuestionAnswerer(arm)
        said = [ask(answerer, example) for example in tqdm(examples, desc=name, unit=" questions")]
        rows.append({"upper_layers": name, **measure(said)})
        print(rows[-1])
    write_result(
        "no-answer",
        {
            "dataset": options.dataset.name,
            "seed": options.seed,
            "n_questions": len(examples),
            "n_impossible": sum(not example.answers for example in examples),
            "fingerprint": reader.fingerprint,
            "rows": rows,
        },
    )


if __name__ == "__main__":
    main()
