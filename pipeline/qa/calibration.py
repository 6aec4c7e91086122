"""How likely the best answer is to be right."""

import math
from collections.abc import Sequence

from ...data import PrereadError

_LEAST = 1e-6
"""Scores are kept so far from 0 and 1, where log-odds have no end."""

Features = tuple[float, float]


def confidence_features(score: float, margin: float) -> Features:
    """What the confidence is computed from: the log-odds of the score, and the margin.

    The score says how the answer stands against others, and always finds one best; the margin says
    whether the reader thinks there is an answer at all.

    Args:
        score: Of the best answer, from 0 to 1.
        margin: Of the passage of its best place: best span less no-answer logit.
    """
    inside = min(max(score, _LEAST), 1 - _LEAST)
    return math.log(inside / (1 - inside)), margin


def confidence(features: Features, weights: Sequence[float]) -> float:
    """The probability that the best answer is right: a logistic function.

    Args:
        features: Of the answer.
        weights: The bias, and a weight for each feature.

    Source: Platt 1999, Probabilistic outputs for support vector machines, with two features.
    """
    bias, *slopes = weights
    logit = bias + math.fsum(w * x for w, x in zip(slopes, features, strict=True))
    return 1 / (1 + math.exp(-logit)) if logit >= 0 else 1 - 1 / (1 + math.exp(logit))


def check_threshold(min_confidence: float, weights: Sequence[float] | None) -> None:
    """Refuse a threshold that cannot be applied.

    Raises:
        PrereadError: If it is no probability, or the reader's confidence was not fitted.
    """
    if not 0 <= min_confidence <= 1:
        raise PrereadError(f"min_confidence must lie between 0 and 1, found {min_confidence}.")
    if min_confidence > 0 and weights is None:
        raise PrereadError(
            f"min_confidence is {min_confidence}, but the reader's confidence was never fitted: "
            "its ranking.json has no confidence_weights for this retriever. Fit them with `preread "
            "calibrate INDEX QUESTIONS --write READER`, or leave min_confidence at 0."
        )
