"""Scores of a predictions file, whoever made it."""

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
    questions: Sequence[Question], predictions: str | Path, *, scored: Path | None = None
) -> dict[str, Any]:
    """Score predictions of anyone's making.

    Args:
        questions: With gold answers and identifiers of their own.
        predictions: A file in one of the forms of `data.read_predictions`.
        scored: Where to write one JSON line a question, for `compare`.

    Returns:
        The keys of ``preread score --json``: ``exact_match`` and ``f1`` as SQuAD and DPR define
        them, with their intervals; ``exact_match_nq_open`` as NQ-open's script does (accents taken
        apart); ``n_missing`` questions without a prediction count as wrong, or as unanswered where
        there is no gold answer. In percent.

    Raises:
        DataError: If the file is not sound, or is of other questions.
    """
    found = match_predictions(questions, predictions)
    texts = [one.prediction if one else "" for one in found]
    pairs = list(zip(questions, texts, strict=True))
    answers = [ScoredAnswer.of(q, text, score_prediction(q, text)) for q, text in pairs]
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


def _nq_open_score(question: Question, prediction: str) -> float:
    """Exact match as NQ-open's script has it."""
    if question.match is AnswerMatch.REGEX:
        return score_prediction(question, prediction)[0]
    return metric_max_over_answers(nq_open_match_score, prediction, question.answers)
