"""The measures of Natural Questions, as its official script computes them.

Source: nq_eval.py and eval_utils.py of
https://github.com/google-research-datasets/natural-questions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from .records import NqAnswer, YesNo
from .spans import NqSpan

NON_NULL_THRESHOLD = 2
"""Number of the five annotators who must have given an answer for an example to have one."""
PRECISIONS = (0.5, 0.75, 0.9)
"""The precisions at which recall is reported."""


class NqOutcome(NamedTuple):
    """The result of one prediction."""

    has_gold: bool
    has_prediction: bool
    is_correct: bool
    score: float


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Precision and recall of the predictions whose score is at least a threshold."""

    precision: float = 0.0
    recall: float = 0.0
    threshold: float | None = None
    """Lowest score that counts; None where every prediction counts, or no threshold gives such a
    point."""

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return _divide(2 * self.precision * self.recall, self.precision + self.recall)


@dataclass(frozen=True, slots=True)
class AnswerScores:
    """The scores of all long answers, or of all short ones; from 0.0 to 1.0."""

    best: OperatingPoint
    """The point with the highest F1."""
    unthresholded: OperatingPoint
    """The point at which every prediction counts, whatever its score."""
    at_precision: dict[float, OperatingPoint]
    """For each of ``PRECISIONS``, the point with the highest recall at that precision or above."""
    n_gold: int
    """Number of examples that have an answer."""
    n_predicted: int
    """Number of predictions that are not null."""

    @classmethod
    def of(cls, outcomes: Sequence[NqOutcome]) -> "AnswerScores":
        """Compute the scores of some outcomes.

        Args:
            outcomes: One for each example, in any order.
        """
        points = operating_points(outcomes)
        last = points[-1] if points else OperatingPoint()
        return cls(
            best=_highest(points, [point.f1 for point in points]),
            unthresholded=OperatingPoint(last.precision, last.recall),
            at_precision={wanted: _recall_at(points, wanted) for wanted in PRECISIONS},
            n_gold=sum(outcome.has_gold for outcome in outcomes),
            n_predicted=sum(outcome.has_prediction for outcome in outcomes),
        )


@dataclass(frozen=True, slots=True)
class NqScores:
    """The scores of a predictions file."""

    n_examples: int
    long: AnswerScores
    short: AnswerScores


def long_outcome(
    gold: Sequence[NqAnswer], predicted: NqAnswer, score: float, least: int
) -> NqOutcome:
    """Score one long answer, which is correct where it equals that of any annotator.

    Args:
        gold: The annotators' answers.
        predicted: The system's answer.
        score: The system's score of its answer.
        least: Number of annotators who must have given a long answer.

    Source: ``score_long_answer`` of nq_eval.py.
    """
    has_gold = sum(answer.has_long for answer in gold) >= least
    is_correct = (
        has_gold
        and predicted.has_long
        and any(answer.long_answer.equals(predicted.long_answer) for answer in gold)
    )
    return NqOutcome(has_gold, predicted.has_long, is_correct, score)


def short_outcome(
    gold: Sequence[NqAnswer], predicted: NqAnswer, score: float, least: int
) -> NqOutcome:
    """Score one short answer, which is correct where it equals that of any annotator.

    Short answers are equal where both are yes, both are no, or all their spans are equal.

    Args:
        gold: The annotators' answers.
        predicted: The system's answer.
        score: The system's score of its answer.
        least: Number of annotators who must have given a short answer, yes or no included.

    Source: ``score_short_answer`` of nq_eval.py.
    """
    has_gold = sum(answer.has_short for answer in gold) >= least
    if predicted.yes_no is YesNo.NONE:
        matches = (_same_spans(answer.short_answers, predicted.short_answers) for answer in gold)
    else:
        matches = (answer.yes_no is predicted.yes_no for answer in gold)
    is_correct = has_gold and predicted.has_short and any(matches)
    return NqOutcome(has_gold, predicted.has_short, is_correct, score)


def operating_points(outcomes: Sequence[NqOutcome]) -> list[OperatingPoint]:
    """Compute precision and recall at each distinct score, highest score first.

    Recall is relative to all examples with an answer, whatever the threshold. Null predictions do
    not count.

    Args:
        outcomes: One for each example, in any order.

    Source: ``compute_pr_curves`` of nq_eval.py.
    """
    n_gold = sum(outcome.has_gold for outcome in outcomes)
    ranked = sorted(outcomes, key=lambda outcome: outcome.score, reverse=True)
    n_predicted = n_correct = 0
    points = []
    for threshold, tied in groupby(ranked, key=lambda outcome: outcome.score):
        for outcome in tied:
            n_predicted += outcome.has_prediction
            n_correct += outcome.is_correct
        precision, recall = _divide(n_correct, n_predicted), _divide(n_correct, n_gold)
        points.append(OperatingPoint(precision, recall, threshold))
    return points


def _recall_at(points: Sequence[OperatingPoint], precision: float) -> OperatingPoint:
    """Return the point of highest recall among those with at least a given precision."""
    precise = [point for point in points if point.precision >= precision]
    return _highest(precise, [point.recall for point in precise])


def _highest(points: Sequence[OperatingPoint], values: Sequence[float]) -> OperatingPoint:
    """Return the first point with the highest value; a point of zeros where no value is above 0."""
    highest = max(values, default=0.0)
    return points[values.index(highest)] if highest > 0 else OperatingPoint()


def _same_spans(gold: Sequence[NqSpan], predicted: Sequence[NqSpan]) -> bool:
    """Decide whether each span of one answer equals one of the other, and the reverse."""
    return all(any(one.equals(other) for other in gold) for one in predicted) and all(
        any(one.equals(other) for other in predicted) for one in gold
    )


def _divide(numerator: float, denominator: float) -> float:
    """Return the quotient; 0.0 where the denominator is 0."""
    return numerator / denominator if denominator else 0.0
