"""Confidence: the probability that the best answer is right."""

import math
from collections.abc import Sequence

from ...data import PrereadError
from ...data.arguments import check_number

_LEAST = 1e-6
"""Least distance of a score from 0 and from 1, where log-odds are infinite."""

Features = tuple[float, float]


def confidence_features(score: float, margin: float) -> Features:
    """The features of the confidence: the log-odds of the score, and the margin.

    The score compares the answer with the others. The margin compares it with "no answer".

    Args:
        score: Score of the best answer, from 0 to 1.
        margin: Margin of the passage with the answer's best span: the logit of that span less the
            no-answer score.
    """
    inside = min(max(score, _LEAST), 1 - _LEAST)
    return math.log(inside / (1 - inside)), margin


def confidence(features: Features, weights: Sequence[float]) -> float:
    """The probability that the best answer is right: a logistic function.

    Args:
        features: Features of the answer (`confidence_features`).
        weights: The bias, then the weight of each feature.

    Source: Platt 1999, Probabilistic outputs for support vector machines, with two features.
    """
    bias, *slopes = weights
    logit = bias + math.fsum(w * x for w, x in zip(slopes, features, strict=True))
    return 1 / (1 + math.exp(-logit)) if logit >= 0 else 1 - 1 / (1 + math.exp(logit))


def check_threshold(min_confidence: float, weights: Sequence[float] | None) -> None:
    """Check that a threshold of the confidence can be applied.

    Args:
        min_confidence: The threshold.
        weights: Weights of the confidence; None if they were not fitted.

    Raises:
        PrereadError: If the threshold is not a probability, or is above 0 without fitted weights.
    """
    check_number("min_confidence", min_confidence, 0, 1)
    if min_confidence > 0 and weights is None:
        raise PrereadError(
            f"min_confidence is {min_confidence}, but the reader's confidence was not fitted: "
            "its ranking.json has no confidence_weights for this retriever. Fit them with `preread "
            "calibrate INDEX QUESTIONS --write READER`, or leave min_confidence at 0."
        )
