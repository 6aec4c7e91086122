"""Measures over all questions: means with their intervals, curves, calibration."""

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
    """A mean over questions, and where it may lie."""

    mean: float
    low: float
    high: float
    n_questions: int


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of like scores."""

    n_questions: int
    mean_score: float
    exact_match: float


def estimates(rows: npt.ArrayLike) -> list[MeanEstimate]:
    """Means of some measures over the same questions, with their intervals.

    Args:
        rows: Shape ``(n_measures, n_questions)``.

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
    """Exact match and F1."""
    exact_match, f1 = estimates([[one.exact_match for one in answers], [one.f1 for one in answers]])
    return exact_match, f1


def top_k_accuracies(
    outcomes: Sequence[Outcome], cutoffs: Sequence[int]
) -> dict[int, MeanEstimate]:
    """Share of the questions with an answer in their first k passages, for each cutoff k.

    Questions without a gold answer are left out; empty where there are no others.

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
    """Exact match and F1 had only the first k passages been read, for each cutoff k."""
    columns = np.array([[one.after(k) for one in outcomes] for k in cutoffs], dtype=np.float64)
    exact_match = estimates(columns[:, :, 0])
    f1 = estimates(columns[:, :, 1])
    return dict(zip(cutoffs, zip(exact_match, f1, strict=True), strict=True))


def reliability(outcomes: Sequence[Outcome]) -> list[Bin]:
    """Answers by confidence, or by score where there is none, in ten bins of equal width.

    Empty bins are left out; questions to which nothing was answered are in none.

    Source: Guo et al. 2017 (https://arxiv.org/abs/1706.04599), section 2.
    """
    return calibration_bins(
        [
            (one.score if one.confidence is None else one.confidence, one.exact_match)
            for one in outcomes
            if one.prediction
        ]
    )


def calibration_bins(answers: Iterable[tuple[float, float]]) -> list[Bin]:
    """Pairs of score and exact match in ten bins of equal width; empty bins are left out.

    Source: Guo et al. 2017 (https://arxiv.org/abs/1706.04599), section 2.
    """
    bins: dict[int, list[tuple[float, float]]] = {}
    for score, exact_match in answers:
        bins.setdefault(_bin_of(score), []).append((score, exact_match))
    return [
        Bin(len(members), *np.mean(members, axis=0).tolist()) for _, members in sorted(bins.items())
    ]


def expected_calibration_error(bins: Sequence[Bin]) -> float | None:
    """Mean distance between score and exact match, over the bins, weighted; None without any.

    Source: Guo et al. 2017 (https://arxiv.org/abs/1706.04599), equation 3.
    """
    n_questions = sum(one.n_questions for one in bins)
    if not n_questions:
        return None
    gaps = (one.n_questions * abs(one.exact_match - one.mean_score) for one in bins)
    return sum(gaps) / n_questions


def calibration_error(answers: Sequence[tuple[float, float]]) -> MeanEstimate | None:
    """The `expected_calibration_error` of answers, and where it may lie; None without any.

    The error of few answers is greater than that of many, and so is that of answers that are drawn
    with replacement: the interval reaches further up than down, and may lie above the error.

    Args:
        answers: Pairs of score and exact match.
    """
    error = expected_calibration_error(calibration_bins(answers))
    if error is None:
        return None
    gaps = np.zeros((N_BINS, len(answers)))
    for number, (score, exact_match) in enumerate(answers):
        gaps[_bin_of(score), number] = exact_match - score
    # The mean of a bin's gaps over all answers is its distance times its share of the answers.
    ((low, high),) = middle(np.abs(resampled_means(gaps)).sum(axis=0, keepdims=True))
    return MeanEstimate(error, float(low), float(high), len(answers))


def _bin_of(score: float) -> int:
    """Number of a score's bin; a score of 1 belongs to the last one."""
    return min(int(score * N_BINS), N_BINS - 1)


def question_word(question: str) -> str:
    """The first word of the question that asks; ``other`` where none does."""
    words = (word.strip("\"'(?,.").lower() for word in question.split())
    found = (
        word.removesuffix("'s").replace("whose", "who").replace("whom", "who") for word in words
    )
    return next((word for word in found if word in QUESTION_WORDS), "other")


def exact_match_by_word(outcomes: Sequence[Outcome]) -> dict[str, MeanEstimate]:
    """Exact match by question word, the most frequent first."""
    groups: dict[str, list[Outcome]] = {}
    for one in outcomes:
        groups.setdefault(question_word(one.question), []).append(one)
    by_size = sorted(groups.items(), key=lambda group: -len(group[1]))
    return {word: answer_scores(members)[0] for word, members in by_size}


def stage_times(outcomes: Sequence[Outcome]) -> Mapping[str, npt.NDArray[np.float64]]:
    """Milliseconds of each question, by stage."""
    stages = dict.fromkeys(stage for one in outcomes for stage in one.stage_ms)
    return {stage: np.array([one.stage_ms.get(stage, 0.0) for one in outcomes]) for stage in stages}
