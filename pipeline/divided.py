"""Answering from an index that lies in parts, as if it were whole.

All parts are searched, and the best hits of all are those of the whole index, for parts score as it
does (``docs/scaling.md``). Each part reads its own of them, and says what may be an answer; put
together, that is what one reader of all of them would say, since a span's logit does not depend on
other passages. Where the parts are, and how they are asked, is up to who calls.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..indexer import Hit
from ..indexer.part_search import merge_hits
from .answering import ReadOff
from .qa import OpenDomainQA
from .ranking import Candidate

PartHits = Mapping[int, Sequence[Hit]]
"""Hits by the number of the part that found them."""


@dataclass(frozen=True, slots=True)
class PartAnswers:
    """What a part has read: what may be an answer, by places among the hits it was given."""

    found: ReadOff
    log_mass: float
    """Log of the summed exponentials of all its spans' logits; -inf where it has none."""


def best_of_all(found: PartHits, k: int) -> list[tuple[int, Hit]]:
    """The best hits of all parts, as the whole index ranks them.

    Args:
        found: The best ``k`` of each part.
        k: How many at most.

    Returns:
        The part's number and the hit, best first.
    """
    return merge_hits([(part, hit) for part, hits in found.items() for hit in hits], k)


def read_part(qa: OpenDomainQA, question: str, hits: Sequence[Hit]) -> PartAnswers:
    """Read some of a part's passages.

    Args:
        qa: The part, with its reader.
        question: Any text.
        hits: Of this part.
    """
    found = qa.read_off(question, hits)
    if not found.candidates:
        return PartAnswers(found, -math.inf)
    best = max(found.candidates, key=lambda one: one.logit)
    return PartAnswers(found, best.logit - math.log(best.share))


def put_together(hits: Sequence[tuple[int, Hit]], read: Mapping[int, PartAnswers]) -> ReadOff:
    """What one reader of all passages would say.

    Args:
        hits: What `best_of_all` gave; the hits of each part, in this order, are what it read.
        read: By part; one that is missing has read nothing.
    """
    places: dict[int, list[int]] = {}
    for place, (part, _) in enumerate(hits):
        places.setdefault(part, []).append(place)
    highest = max((one.log_mass for one in read.values()), default=-math.inf)
    if highest == -math.inf:
        return ReadOff()
    total = math.fsum(math.exp(one.log_mass - highest) for one in read.values())
    whole = ReadOff()
    for part, answers in read.items():
        share = math.exp(answers.log_mass - highest) / total
        mine, found = places.get(part, []), answers.found
        whole.candidates.extend(_moved(one, mine, share) for one in found.candidates)
        whole.passages.update({mine[n]: passage for n, passage in found.passages.items()})
        whole.margins.update({mine[n]: margin for n, margin in found.margins.items()})
    return whole


def _moved(one: Candidate, places: Sequence[int], share: float) -> Candidate:
    """A part's candidate among those of all."""
    return replace(one, passage=places[one.passage], share=one.share * share)
