"""The summary of an evaluation: the keys of ``preread evaluate --json``."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .analysis import (
    MeanEstimate,
    answer_scores,
    expected_calibration_error,
    reliability,
    scores_by_passages,
    stage_times,
    top_k_accuracies,
)
from .outcomes import Outcome

CUTOFFS = (1, 5, 20, 100)


def summarise(outcomes: Sequence[Outcome], top_k: int) -> dict[str, Any]:
    """Summarise outcomes, in percent and milliseconds.

    Args:
        outcomes: One evaluated question or more.
        top_k: Number of passages that were requested.
    """
    exact_match, f1 = answer_scores(outcomes)
    accuracy = top_k_accuracies(outcomes, CUTOFFS)
    by_passages = scores_by_passages(outcomes, read_cutoffs(top_k))
    error = expected_calibration_error(reliability(outcomes))
    latencies = [one.latency_ms for one in outcomes]
    return {
        "exact_match": percent(exact_match.mean),
        "f1": percent(f1.mean),
        "top_k_accuracy": {str(k): percent(one.mean) for k, one in accuracy.items()},
        "n_questions": len(outcomes),
        "top_k": top_k,
        "passages_read": round(float(np.mean([one.passages_read for one in outcomes])), 2),
        "latency_ms": {
            "p50": round(float(np.percentile(latencies, 50)), 2),
            "p95": round(float(np.percentile(latencies, 95)), 2),
        },
        "stage_ms": {
            stage: round(float(times.mean()), 2) for stage, times in stage_times(outcomes).items()
        },
        "exact_match_interval": interval(exact_match),
        "f1_interval": interval(f1),
        "top_k_accuracy_interval": {str(k): interval(one) for k, one in accuracy.items()},
        "exact_match_by_passages": {
            str(k): percent(one.mean) for k, (one, _) in by_passages.items()
        },
        "f1_by_passages": {str(k): percent(one.mean) for k, (_, one) in by_passages.items()},
        "expected_calibration_error": None if error is None else percent(error),
        "n_without_gold": sum(not one.gold for one in outcomes),
    }


def read_cutoffs(top_k: int) -> list[int]:
    """The cut-offs below a number of passages, and that number.

    Args:
        top_k: The number.
    """
    return sorted({k for k in CUTOFFS if k < top_k} | {top_k})


def percent(share: float) -> float:
    """A share in percent, with two decimals.

    Args:
        share: From 0 to 1.
    """
    return round(100 * share, 2)


def interval(estimate: MeanEstimate) -> list[float]:
    """Both ends of the interval of an estimate, in percent.

    Args:
        estimate: The estimate.
    """
    return [percent(estimate.low), percent(estimate.high)]
