"""Federated answering: the answers of an index in partitions are those of the whole index.

All partitions are searched. A partition scores like the whole index (``docs/guide/scaling.md``), so
that the best hits of all are those of the whole. Each partition reads its own hits among them
(`OpenDomainQA.read`). A span's logit does not depend on other passages; so the merged candidates
are those that one reader of all passages would find.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...indexer import Hit
from ..qa.types import CandidateSpans


def merge_candidates(
    hits: Sequence[tuple[int, Hit]], read: Mapping[int, CandidateSpans]
) -> CandidateSpans:
    """The candidates that one reader of all passages would find.

    Args:
        hits: The best hits of all partitions, each with the number of the partition that found it
            and has read it, in this order.
        read: The candidates of each partition by its number, without those that read nothing.
    """
    places: dict[int, list[int]] = {}
    for place, (number, _) in enumerate(hits):
        places.setdefault(number, []).append(place)
    masses = {number: found.log_mass for number, found in read.items()}
    highest = max(masses.values(), default=-math.inf)
    n_read = sum(found.n_read for found in read.values())
    whole = CandidateSpans(n_read=n_read)
    if highest == -math.inf:
        return whole
    total = math.fsum(math.exp(mass - highest) for mass in masses.values())
    for number, found in read.items():
        share = math.exp(masses[number] - highest) / total
        mine = places.get(number, [])
        whole.candidates.extend(
            replace(one, passage=mine[one.passage], share=one.share * share)
            for one in found.candidates
        )
        whole.passages.update({mine[n]: passage for n, passage in found.passages.items()})
        whole.margins.update({mine[n]: margin for n, margin in found.margins.items()})
    return whole
