"""Bootstrap intervals: how much scores vary between samples of questions."""

import numpy as np
import numpy.typing as npt

CONFIDENCE = 0.95
N_RESAMPLES = 5_000
SEED = 0
_DRAWS_AT_ONCE = 1 << 22
"""Numbers drawn at a time, which limits the memory."""

Values = npt.NDArray[np.float64]


def bootstrap_intervals(
    values: npt.ArrayLike, *, n_resamples: int = N_RESAMPLES, seed: int = SEED
) -> Values:
    """Compute 95 % intervals of the means of some measures over the same questions.

    Args:
        values: One row for each measure. Shape ``(n_measures, n_questions)``, float64.
        n_resamples: Number of samples, each of ``n_questions`` questions drawn with replacement.
            All measures use the same samples.
        seed: Random seed; equal input gives equal output.

    Returns:
        Lower and upper ends. Shape ``(n_measures, 2)``, float64.

    Raises:
        ValueError: If there are no questions.

    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13 (percentile
    intervals); for paired differences, Koehn 2004 (https://aclanthology.org/W04-3250).
    """
    means = resampled_means(values, n_resamples=n_resamples, seed=seed)
    return middle(means)


def resampled_means(
    values: npt.ArrayLike, *, n_resamples: int = N_RESAMPLES, seed: int = SEED
) -> Values:
    """Compute the means of some measures over questions drawn with replacement.

    Args:
        values: One row for each measure. Shape ``(n_measures, n_questions)``, float64.
        n_resamples: Number of samples, each of ``n_questions`` questions. All measures use the same
            samples.
        seed: Random seed; equal input gives equal output.

    Returns:
        The mean of each measure in each sample. Shape ``(n_measures, n_resamples)``, float64.

    Raises:
        ValueError: If there are no questions.
    """
    columns = np.asarray(values, dtype=np.float64)
    n_questions = columns.shape[1]
    if not n_questions:
        raise ValueError("expected the values of at least one question, found none")
    generator = np.random.default_rng(seed)
    n_at_once = max(1, _DRAWS_AT_ONCE // n_questions)
    means = np.empty((len(columns), n_resamples))
    for first in range(0, n_resamples, n_at_once):
        n_now = min(n_at_once, n_resamples - first)
        counts = _count_draws(generator, n_now, n_questions)
        means[:, first : first + n_now] = columns @ counts.T / n_questions
    return means


def middle(resampled: Values) -> Values:
    """Compute the interval that contains the middle 95 % of resampled measures.

    Args:
        resampled: One row for each measure. Shape ``(n_measures, n_resamples)``, float64.

    Returns:
        Lower and upper ends. Shape ``(n_measures, 2)``, float64.
    """
    tail = (1 - CONFIDENCE) / 2
    return np.quantile(resampled, [tail, 1 - tail], axis=1).T


def _count_draws(generator: np.random.Generator, n_draws: int, n_questions: int) -> Values:
    """Count how often each sample has each question. Shape ``(n_draws, n_questions)``, float64."""
    drawn = generator.integers(0, n_questions, (n_draws, n_questions))
    drawn += n_questions * np.arange(n_draws)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=n_draws * n_questions)
    return counts.reshape(n_draws, n_questions).astype(np.float64)
