"""The best answers to questions whose passages were read, under given weights, with scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...data import Question, score_prediction
from ...reader.ranking import ThresholdScore
from ..evaluation.analysis import MeanEstimate, calibration_error, estimates
from ..evaluation.summary import interval, percent
from ..qa.calibration import Features, confidence, confidence_features
from ..qa.ranking import AnswerRule, RankedAnswer, rank_answers
from .fitting import RankingWeights
from .reads import Reads

THRESHOLDS = (0.0, 0.25, 0.5, 0.75)
"""Least confidences for which the remaining answers are scored."""

Asked = Sequence[tuple[Question, Reads]]
"""Questions, and the spans that were read for each."""


@dataclass(frozen=True, slots=True)
class BestAnswer:
    """The best answer to a question, scored."""

    answer: RankedAnswer | None
    """None if no span was read."""
    features: Features
    """Features of its confidence."""
    exact_match: float
    f1: float


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of a ranking on some questions."""

    exact_match: MeanEstimate
    f1: MeanEstimate
    calibration_error: MeanEstimate | None
    """None if no question was answered."""

    def to_dict(self) -> dict[str, Any]:
        """Scores in percent, each with its interval."""
        error = self.calibration_error
        return {
            "exact_match": percent(self.exact_match.mean),
            "f1": percent(self.f1.mean),
            "expected_calibration_error": None if error is None else percent(error.mean),
            "exact_match_interval": interval(self.exact_match),
            "f1_interval": interval(self.f1),
            "expected_calibration_error_interval": None if error is None else interval(error),
        }


def best_answers(
    asked: Asked, top_k: int, weights: RankingWeights, *, aggregate: bool
) -> list[BestAnswer]:
    """Choose the best answer to each question.

    Args:
        asked: Questions with their spans.
        top_k: Number of passages of each question that are used.
        weights: Weights of the logit of a span.
        aggregate: Whether the shares of equal answers are added up.
    """
    rule = AnswerRule(aggregate_answers=aggregate, answer_temperature=weights.answer_temperature)
    found = []
    for question, reads in asked:
        ranked = rank_answers(reads.candidates(top_k, weights), rule)
        best = ranked[0] if ranked else None
        scores = score_prediction(question, best.best.text if best else "")
        margin = reads.margins[best.best.passage] if best else 0.0
        features = confidence_features(best.score if best else 0.0, margin)
        found.append(BestAnswer(best, features, *scores))
    return found


def without_answers(asked: Asked) -> Asked:
    """The same questions, as if the passages that hold a gold answer had not been found.

    Args:
        asked: Questions with their spans.
    """
    return [(question, reads.without_answers()) for question, reads in asked]


def known_of(
    best: Sequence[BestAnswer], confidence_weights: Sequence[float] | None
) -> list[tuple[float, float]]:
    """The confidence of each answer, and whether it is right.

    Args:
        best: The best answer to each question; questions without an answer are left out.
        confidence_weights: Weights of the confidence; None uses the scores of the answers.

    Returns:
        Pairs of confidence, or score, and exact match.
    """
    return [
        (
            one.answer.score
            if confidence_weights is None
            else confidence(one.features, confidence_weights),
            one.exact_match,
        )
        for one in best
        if one.answer is not None
    ]


def summarise_best(
    best: Sequence[BestAnswer],
    unanswerable: Sequence[BestAnswer],
    confidence_weights: Sequence[float] | None,
) -> Scores:
    """Exact match, F1 and calibration error, each with its interval.

    Args:
        best: The best answer to each question.
        unanswerable: The best answer to each question from passages that do not hold one; they
            count for the calibration error only.
        confidence_weights: Weights of the confidence; None uses the scores of the answers.
    """
    exact_match, f1 = estimates([[one.exact_match for one in best], [one.f1 for one in best]])
    known = known_of([*best, *unanswerable], confidence_weights)
    return Scores(exact_match, f1, calibration_error(known))


def threshold_scores(
    best: Sequence[BestAnswer],
    unanswerable: Sequence[BestAnswer],
    confidence_weights: Sequence[float],
) -> list[ThresholdScore]:
    """Score the answers that remain above each of `THRESHOLDS`.

    Args:
        best: The best answer to each question.
        unanswerable: The best answer to each question from passages that do not hold one.
        confidence_weights: Weights of the confidence.
    """
    known = known_of(best, confidence_weights)
    known_wrong = known_of(unanswerable, confidence_weights)
    found = []
    for threshold in THRESHOLDS:
        exact = [exact_match for sure, exact_match in known if sure >= threshold]
        n_wrong = sum(sure >= threshold for sure, _ in known_wrong)
        found.append(
            ThresholdScore(
                min_confidence=threshold,
                answered=percent(len(exact) / len(best)),
                exact_match_of_answered=percent(sum(exact) / len(exact)) if exact else None,
                answered_without_answer=percent(n_wrong / len(unanswerable)),
            )
        )
    return found
