"""Finding passages among those that pass a filter."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...indexer import Hit, PassageIndex
from ...indexer.filters import Filter
from .base import AmongRetriever, Retriever, search_many
from .hybrid import HybridRetriever

_FEW = 1_000
"""So many passages or fewer are named to the retriever, which then scores no others."""
_MORE = 1.5
"""Times the hits that would do if those that pass were spread evenly."""


def search_filtered(
    index: PassageIndex, retriever: Retriever, query: str, k: int, filter: Filter | None
) -> list[Hit]:
    """Find passages that pass a filter.

    Few passages are searched by themselves if the retriever can do that. Otherwise more hits are
    asked for, until ``k`` of them pass or there are no more.

    Args:
        index: Knows the metadata of its passages.
        retriever: Finds passages of the index.
        query: Any text.
        k: How many passages at most.
        filter: A condition for each of some fields; None or an empty one lets all pass.

    Returns:
        Hits, best first; fewer than ``k`` only where no others are found and pass.

    Raises:
        PrereadError: If the filter cannot be applied.
    """
    if filter is None or filter == {}:
        return retriever.search(query, k)
    allowed = index.matching(filter)
    if not len(allowed):
        return []
    if len(allowed) <= _FEW:
        among = _search_among(retriever, query, k, allowed.tolist())
        if among is not None:
            return among
    n_asked = k
    wanted = round(_MORE * k * len(index) / len(allowed)) + 1
    while True:
        n_asked = min(max(n_asked, wanted), len(index))
        hits = retriever.search(query, n_asked)
        found = _passing(hits, allowed)
        if len(found) >= k or n_asked == len(index) or len(hits) < n_asked:
            return found[:k]
        wanted = 4 * n_asked


def _search_among(
    retriever: Retriever, query: str, k: int, ordinals: list[int]
) -> list[Hit] | None:
    """Hits among given passages; None if the retriever cannot search them by themselves."""
    if isinstance(retriever, HybridRetriever):
        depth = retriever.depth(k)
        found = [_search_among(one, query, depth, ordinals) for one in retriever.retrievers]
        known = [hits for hits in found if hits is not None]
        return retriever.merged(known, k) if len(known) == len(found) else None
    if isinstance(retriever, AmongRetriever):
        return retriever.search_among(query, k, ordinals)
    return None


def search_many_filtered(
    index: PassageIndex,
    retriever: Retriever,
    queries: Sequence[str],
    k: int,
    filter: Filter | None,
    *,
    threads: int,
) -> list[list[Hit]]:
    """Find passages that pass a filter for several queries, best first.

    Args:
        index: Knows the metadata of its passages.
        retriever: Finds passages of the index.
        queries: Any texts.
        k: How many passages of each query at most.
        filter: A condition for each of some fields; None or an empty one lets all pass.
        threads: Maximum number of queries that are searched at the same time, without a filter.

    Raises:
        PrereadError: If the filter cannot be applied.
    """
    if filter is None or filter == {}:
        return search_many(retriever, queries, k, threads=threads)
    return [search_filtered(index, retriever, query, k, filter) for query in queries]


def _passing(hits: Sequence[Hit], allowed: npt.NDArray[Any]) -> list[Hit]:
    passes = np.isin([hit.ordinal for hit in hits], allowed)
    return [hit for hit, is_in in zip(hits, passes.tolist(), strict=True) if is_in]
