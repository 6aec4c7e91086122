"""Convex combination: several rankings become one."""

from collections.abc import Sequence


def convex_fusion(rankings: Sequence[Sequence[tuple[int, float]]]) -> list[tuple[int, float]]:
    """Merge rankings by their scores, each brought to the range 0 to 1.

    In each ranking the best score becomes 1 and the lowest 0. The score of an item is the mean over
    all rankings, with 0 for a ranking that does not contain it.

    Args:
        rankings: Items with their scores, best first; no ranking contains an item twice.

    Returns:
        Each item with its score, from 0 to 1, best first. Items of equal score come in the order of
        the rankings, then of their ranks.

    Source: the convex combination of Bruch, Gai and Ingber 2023
    (https://doi.org/10.1145/3596512), with scores scaled by the least and the greatest, and equal
    weights.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        values = [score for _, score in ranking]
        lowest = min(values, default=0.0)
        span = max(values, default=0.0) - lowest
        for item, score in ranking:
            share = (score - lowest) / span if span else 1.0
            scores[item] = scores.get(item, 0.0) + share / len(rankings)
    return sorted(scores.items(), key=lambda item: -item[1])
