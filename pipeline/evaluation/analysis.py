"""Measures over all questions: means with intervals, curves, calibration."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...data.metrics.intervals import bootstrap_intervals, middle, resampled_means
from .outcomes import Outcome, ScoredAnswer

N_BINS = 10
QUESTION_WORDS = ("who", "what", "when", "where", "which", "why", "how")


@dataclass(frozen=True, slots=True)
class MeanEstimate:
    """A mean over questions, with its 95 % interval."""

    mean: float
    low: float
    high: float
    n_questions: int


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers whose scores fall into one bin."""

    n_questions: int
    mean_score: float
    exact_match: float


def estimates(rows: npt.ArrayLike) -> list[MeanEstimate]:
    """The means of some measures over the same questions, with intervals.

    Args:
        rows: Values of each measure. Shape ``(n_measures, n_questions)``.

    Raises:
        ValueError: If there are no questions.
    """
    values = np.asarray(rows, dtype=np.float64)
    ends = bootstrap_intervals(values)
    return [
        MeanEstimate(float(row.mean()), float(low), float(high), len(row))
        for row, (low, high) in zip(values, ends, strict=True)
    ]


def answer_scores(answers: Sequence[ScoredAnswer]) -> tuple[MeanEstimate, MeanEstimate]:
    """The means of exact match and F1.

    Args:
        answers: Scored answers.
    """
    exact_match, f1 = estimates([[one.exact_match for one in answers], [one.f1 for one in answers]])
    return exact_match, f1


def top_k_accuracies(
    outcomes: Sequence[Outcome], cutoffs: Sequence[int]
) -> dict[int, MeanEstimate]:
    """The share of questions with an answer in their first k passages, for each cut-off k.

    Args:
        outcomes: Evaluated questions. Those without a gold answer are left out.
        cutoffs: Numbers of passages.

    Returns:
        The accuracy for each cut-off; empty if no question has a gold answer.

    Source: DPR (https://github.com/facebookresearch/DPR), dense_retriever.py.
    """
    ranks = [one.first_passage_with_answer for one in outcomes if one.gold]
    if not ranks:
        return {}
    hits = [[rank is not None and rank <= k for rank in ranks] for k in cutoffs]
    return dict(zip(cutoffs, estimates(hits), strict=True))


def scores_by_passages(
    outcomes: Sequence[Outcome], cutoffs: Sequence[int]
) -> dict[int, tuple[MeanEstimate, MeanEstimate]]:
    """Exact match and F1 after reading only the first k passages, for each cut-off k.

    Args:
        outcomes: Evaluated questions.
        cutoffs: Numbers of passages.
    """
    columns = np.array([[one.after(k) for one in outcomes] for k in cutoffs], dtype=np.float64)
    exact_match = estimates(columns[:, :, 0])
    f1 = estimates(columns[:, :, 1])
    return dict(zip(cutoffs, zip(exact_match, f1, strict=True), strict=True))


def reliability(outcomes: Sequence[Outcome]) -> list[Bin]:
    """Group answers into ten bins of equal width, by confidence, or by score without a confidence.

    Empty bins are left out, and so are questions without an answer.

    Args:
        outcomes: Evaluated questions.
    """
    return calibration_bins(
        [
            (one.score if one.confidence is None else one.confidence, one.exact_match)
            for one in outcomes
            if one.prediction
        ]
    )


def calibration_bins(answers: Iterable[tuple[float, float]]) -> list[Bin]:
    """Group answers by score into ten bins of equal width; empty bins are left out.

    Args:
        answers: Pairs of score and exact match.

    Source: Guo et al. 2017 (https://arxiv.org/abs/1706.04599), section 2.
    """
    bins: dict[int, list[tuple[float, float]]] = {}
    for score, exact_match in answers:
        bins.setdefault(_bin_of(score), []).append((score, exact_match))
    return [
        Bin(len(members), *np.mean(members, axis=0).tolist()) for _, members in sorted(bins.items())
    ]


def expected_calibration_error(bins: Sequence[Bin]) -> float | None:
    """The mean distance between score and exact match over bins, weighted by their answers.

    Args:
        bins: The bins.

    Returns:
        The error, from 0 to 1; None without bins.

    Source: Guo et al. 2017 (https://arxiv.org/abs/1706.04599), equation 3.
    """
    n_questions = sum(one.n_questions for one in bins)
    if not n_questions:
        return None
    gaps = (one.n_questions * abs(one.exact_match - one.mean_score) for one in bins)
    return sum(gaps) / n_questions


def calibration_error(answers: Sequence[tuple[float, float]]) -> MeanEstimate | None:
    """The `expected_calibration_error` of answers, with its interval.

    The error is greater for few answers than for many, and greater for answers drawn with
    replacement. The interval therefore reaches further up than down, and may lie above the error.

    Args:
        answers: Pairs of score and exact match.

    Returns:
        The error; None without answers.
    """
    error = expected_calibration_error(calibration_bins(answers))
    if error is None:
        return None
    gaps = np.zeros((N_BINS, len(answers)))
    for number, (score, exact_match) in enumerate(answers):
        gaps[_bin_of(score), number] = exact_match - score
    # The mean of a bin's gaps over all answers is its distance, weighted by its share of answers.
    ((low, high),) = middle(np.abs(resampled_means(gaps)).sum(axis=0, keepdims=True))
    return MeanEstimate(error, float(low), float(high), len(answers))


def _bin_of(score: float) -> int:
    """The number of the bin of a score; a score of 1 belongs to the last bin."""
    return min(int(score * N_BINS), N_BINS - 1)


def question_word(question: str) -> str:
    """The first question word of a question; ``other`` if it has none.

    Args:
        question: Text of the question.
    """
    words = (word.strip("\"'(?,.").lower() for word in question.split())
    found = (
        word.removesuffix("'s").replace("whose", "who").replace("whom", "who") for word in words
    )
    return next((word for word in found if word in QUESTION_WORDS), "other")


def exact_match_by_word(outcomes: Sequence[Outcome]) -> dict[str, MeanEstimate]:
    """Exact match by question word, the most frequent word first.

    Args:
        outcomes: Evaluated questions.
    """
    groups: dict[str, list[Outcome]] = {}
    for one in outcomes:
        groups.setdefault(question_word(one.question), []).append(one)
    by_size = sorted(groups.items(), key=lambda group: -len(group[1]))
    return {word: answer_scores(members)[0] for word, members in by_size}


def stage_times(outcomes: Sequence[Outcome]) -> Mapping[str, npt.NDArray[np.float64]]:
    """The milliseconds of each question, by stage.

    Args:
        outcomes: Evaluated questions.
    """
    stages = dict.fromkeys(stage for one in outcomes for stage in one.stage_ms)
    return {stage: np.array([one.stage_ms.get(stage, 0.0) for one in outcomes]) for stage in stages}
