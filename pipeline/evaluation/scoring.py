"""Scoring the predictions file of any system."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...data import (
    AnswerMatch,
    Question,
    match_predictions,
    metric_max_over_answers,
    nq_open_match_score,
    score_prediction,
)
from ...data.io.atomic import atomic_path
from .analysis import answer_scores
from .outcomes import ScoredAnswer
from .summary import interval, percent


def score_predictions(
    questions: Sequence[Question], predictions: str | Path, *, scored: str | Path | None = None
) -> dict[str, Any]:
    """Score the predictions of any system.

    Args:
        questions: Questions with gold answers and unique identifiers.
        predictions: A file in a format of `data.read_predictions`.
        scored: File to write with the score of each question, as JSON Lines for `compare`.

    Returns:
        The keys of ``preread score --json``, in percent: ``exact_match`` and ``f1`` as SQuAD and
        DPR define them, with intervals; ``exact_match_nq_open`` as in NQ-open's script, which
        decomposes accents; ``n_missing`` is the number of questions without a prediction, which
        counts as an empty answer.

    Raises:
        DataError: If the file is damaged, or is one of other questions.
    """
    scored = None if scored is None else Path(scored)
    found = match_predictions(questions, predictions)
    texts = [one.prediction if one else "" for one in found]
    pairs = list(zip(questions, texts, strict=True))
    answers = [_scored(question, text) for question, text in pairs]
    if scored is not None:
        with atomic_path(scored) as temporary, temporary.open("w", encoding="utf-8") as file:
            for one in answers:
                file.write(json.dumps(one.to_dict(), ensure_ascii=False) + "\n")
    exact_match, f1 = answer_scores(answers)
    nq_open = [_nq_open_score(q, text) for q, text in pairs]
    return {
        "exact_match": percent(exact_match.mean),
        "f1": percent(f1.mean),
        "exact_match_interval": interval(exact_match),
        "f1_interval": interval(f1),
        "exact_match_nq_open": percent(sum(nq_open) / len(nq_open)),
        "n_questions": len(questions),
        "n_missing": found.count(None),
        "n_without_gold": sum(not question.answers for question in questions),
    }


def _scored(question: Question, prediction: str) -> ScoredAnswer:
    exact_match, f1 = score_prediction(question, prediction)
    return ScoredAnswer(
        question_id=question.question_id,
        question=question.question,
        gold=question.answers,
        prediction=prediction,
        exact_match=exact_match,
        f1=f1,
    )


def _nq_open_score(question: Question, prediction: str) -> float:
    """Exact match by the rules of NQ-open's script."""
    if question.match is AnswerMatch.REGEX:
        return score_prediction(question, prediction)[0]
    return metric_max_over_answers(nq_open_match_score, prediction, question.answers)
