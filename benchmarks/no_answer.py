"""How well does the reader recognise that a text holds no answer?

    python benchmarks/no_answer.py --questions 1000 squad20-dev.jsonl.gz

`QuestionAnswerer` with ``handle_impossible_answer`` answers questions that only look answerable, as
in SQuAD 2.0, and questions that are asked of a text on another subject. Every second question
chooses the threshold on "no answer", and the others are scored.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from common import command_line, write_result
from preread.data import ReadingExample, read_examples, score_answer
from preread.pipeline import QuestionAnswerer
from preread.reader import Reader
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


def drawn(examples: Sequence[ReadingExample], n: int, seed: int) -> list[ReadingExample]:
    """Questions of the set, those without an answer as it has them."""
    return random.Random(seed).sample(examples, n)


def strayed(examples: Sequence[ReadingExample], n: int, seed: int) -> list[ReadingExample]:
    """Questions with an answer, every other one asked of a text of another title."""
    draw = random.Random(seed)
    chosen = draw.sample([example for example in examples if example.answers], n)
    texts = [(example.title, example.context) for example in examples]

    def elsewhere(example: ReadingExample) -> ReadingExample:
        while True:
            title, context = draw.choice(texts)
            if title != example.title:
                return replace(example, context=context, answers=(), answer_starts=())

    # Pairs of equal kind: every second question is scored, and both kinds have to be among these.
    return [elsewhere(e) if number % 4 < 2 else e for number, e in enumerate(chosen)]


TASKS = {"as the set has them": drawn, "a text of another article": strayed}


def main() -> None:
    """Ask all questions."""
    parser = command_line(__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--reader", default="default")
    parser.add_argument("--questions", type=int, default=1000, help="of each task")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    examples = list(read_examples(options.dataset))
    reader = Reader.load(options.reader)
    answerer = QuestionAnswerer(reader)
    rows = []
    for task, draw in TASKS.items():
        chosen = draw(examples, options.questions, options.seed)
        said = [ask(answerer, example) for example in tqdm(chosen, desc=task)]
        rows.append({"task": task, **measure(said)})
        print(rows[-1])
    write_result(
        "no-answer",
        {
            "dataset": options.dataset.name,
            "seed": options.seed,
            "n_questions": options.questions,
            "fingerprint": reader.fingerprint,
            "rows": rows,
        },
    )


if __name__ == "__main__":
    main()
