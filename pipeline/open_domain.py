"""Open-domain evaluation: EM, F1, top-k accuracy, latency."""

import json
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..data import PrereadError, Question, has_answer, score_answer, top_k_accuracy
from ..indexer import Hit
from .qa import OpenDomainQA, Result

CUTOFFS = (1, 5, 20, 100)


@dataclass(frozen=True, slots=True)
class Scored:
    """One question, answered and scored."""

    question: Question
    result: Result
    exact_match: float
    f1: float
    is_hit: list[bool]
    """For each passage found, whether it holds a gold answer."""

    def to_dict(self) -> dict[str, Any]:
        """A line of the predictions file."""
        best = self.result.answers[0] if self.result.answers else None
        first_hit = self.is_hit.index(True) + 1 if any(self.is_hit) else None
        return {
            "id": self.question.question_id,
            "question": self.question.question,
            "gold": list(self.question.answers),
            "prediction": best.answer if best else "",
            "score": best.score if best else 0.0,
            "passage_id": best.passage_id if best else None,
            "exact_match": self.exact_match,
            "f1": self.f1,
            "first_passage_with_answer": first_hit,
            "latency_ms": round(self.result.timings.total_ms, 2),
        }


def evaluate(
    qa: OpenDomainQA,
    questions: Sequence[Question],
    *,
    top_k: int = 20,
    predictions: Path | None = None,
    run: Path | None = None,
    show_progress: bool = False,
) -> dict[str, Any]:
    """Answer questions and score the answers.

    Args:
        qa: What answers.
        questions: With gold answers. A question whose gold is empty counts as right when nothing is
            answered.
        top_k: Passages read.
        predictions: Where to write one JSON line a question.
        run: Where to write the passages found, as a TREC run.
        show_progress: Draw a progress bar on standard error.

    Returns:
        The keys of ``preread evaluate --json``: ``exact_match`` and ``f1`` in percent;
        ``top_k_accuracy``, for each cut-off k the percentage of the questions with a gold answer
        for which one of the first k passages holds it (DPR's matching; at least 100 passages are
        retrieved); ``latency_ms`` of whole questions, one at a time, that retrieval included, and
        its mean by stage.

    Raises:
        PrereadError: If there is no question.
    """
    if not questions:
        raise PrereadError("evaluate: expected at least one question, found none.")
    scored: list[Scored] = []
    with ExitStack() as files:
        outputs = [
            files.enter_context(path.open("w", encoding="utf-8")) if path else None
            for path in (predictions, run)
        ]
        for question in tqdm(questions, unit=" questions", disable=not show_progress):
            one = _score(qa, question, top_k)
            scored.append(one)
            if outputs[0]:
                outputs[0].write(json.dumps(one.to_dict(), ensure_ascii=False) + "\n")
            if outputs[1]:
                outputs[1].writelines(_run_lines(qa, question, one.result.hits))
    return _summary(scored, top_k)


def _score(qa: OpenDomainQA, question: Question, top_k: int) -> Scored:
    """Answer one question and compare."""
    result = qa.answer(question.question, top_k=top_k, n_answers=1, n_hits=max(CUTOFFS))
    prediction = result.answers[0].answer if result.answers else ""
    exact_match, f1 = score_answer(prediction, question.answers or ("",))
    texts = (qa.index.passage(hit.ordinal).text for hit in result.hits)
    is_hit = [has_answer(text, question.answers) for text in texts]
    return Scored(question, result, exact_match, f1, is_hit)


def _run_lines(qa: OpenDomainQA, question: Question, hits: Iterable[Hit]) -> list[str]:
    """Lines of a TREC run: ``qid Q0 docid rank score tag``."""
    return [
        f"{question.question_id} Q0 {qa.index.passage(hit.ordinal).passage_id} {rank} "
        f"{hit.score:.6f} preread\n"
        for rank, hit in enumerate(hits, start=1)
    ]


def _summary(scored: Sequence[Scored], top_k: int) -> dict[str, Any]:
    """Averages over all questions."""
    latencies = [one.result.timings.total_ms for one in scored]
    answerable = [one.is_hit for one in scored if one.question.answers]
    accuracy = top_k_accuracy(answerable, CUTOFFS) if answerable else {}
    stages = scored[0].result.timings.stages
    return {
        "exact_match": round(100 * float(np.mean([one.exact_match for one in scored])), 2),
        "f1": round(100 * float(np.mean([one.f1 for one in scored])), 2),
        "top_k_accuracy": {str(k): round(value, 2) for k, value in accuracy.items()},
        "n_questions": len(scored),
        "top_k": top_k,
        "latency_ms": {
            "p50": round(float(np.percentile(latencies, 50)), 2),
            "p95": round(float(np.percentile(latencies, 95)), 2),
        },
        "stage_ms": {
            stage: round(float(np.mean([one.result.timings.stages[stage] for one in scored])), 2)
            for stage in stages
        },
    }
