"""One ranking of several."""

from collections.abc import Sequence

K = 60
"""The constant of Cormack et al.; it keeps a first place from outweighing everything else."""


def reciprocal_rank_fusion(
    rankings: Sequence[Sequence[int]], *, k: int = K
) -> list[tuple[int, float]]:
    """Merge rankings by places alone; their scores need not compare.

    Something's score is the sum, over the rankings that have it, of 1 / (k + its place there).

    Args:
        rankings: Best first; none has anything twice.
        k: How little the first places count more than the next.

    Returns:
        What any ranking has, with its score, best first. What has equal scores comes in the order
        of the rankings, then of the places there.

    Source: Cormack, Clarke and Büttcher 2009 (https://doi.org/10.1145/1571941.1572114), section 2.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for place, one in enumerate(ranking, start=1):
            scores[one] = scores.get(one, 0.0) + 1 / (k + place)
    return sorted(scores.items(), key=lambda item: -item[1])
