"""Reciprocal rank fusion: several rankings become one."""

from collections.abc import Sequence

K = 60
"""The constant of Cormack et al. It limits the weight of the first places."""


def reciprocal_rank_fusion(
    rankings: Sequence[Sequence[int]], *, k: int = K
) -> list[tuple[int, float]]:
    """Merge rankings by rank alone; their scores need not compare.

    The score of an item is the sum of 1 / (k + rank) over the rankings that contain it.

    Args:
        rankings: Items, best first; no ranking contains an item twice.
        k: The larger it is, the less the first ranks outweigh the next ones.

    Returns:
        Each item with its score, best first. Items of equal score come in the order of the
        rankings, then of their ranks.

    Source: Cormack, Clarke and Büttcher 2009 (https://doi.org/10.1145/1571941.1572114), section 2.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for place, one in enumerate(ranking, start=1):
            scores[one] = scores.get(one, 0.0) + 1 / (k + place)
    return sorted(scores.items(), key=lambda item: -item[1])
