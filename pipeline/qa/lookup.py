"""Looking up provided passages in an index, which may have their states."""

from collections.abc import Sequence
from dataclasses import replace

from ...data import Passage, PrereadError
from ...indexer import PassageIndex
from .types import ProvidedPassage, ReadRequest, RequestedPassage


class UnknownPassageError(PrereadError):
    """A provided passage has no text, and the index does not have its identifier.

    Attributes:
        place: Position of the passage among the provided ones, from 0.
    """

    def __init__(self, passage_id: str, place: int) -> None:
        """Make the error for one passage.

        Args:
            passage_id: The identifier.
            place: Position of the passage among the provided ones, from 0.
        """
        self.place = place
        super().__init__(
            f"passages[{place}]: expected an identifier of the index or a text, found the unknown "
            f"identifier {passage_id!r}. Send its text too."
        )


def find_passage(index: PassageIndex, provided: ProvidedPassage, place: int) -> RequestedPassage:
    """Find a provided passage in an index.

    Args:
        index: An open index.
        provided: The passage.
        place: Position of the passage among the provided ones, from 0.

    Returns:
        The passage with its number in the index, or without one if its states are not stored.

    Raises:
        UnknownPassageError: If the passage has no text, and the index not its identifier.
    """
    if provided.text is None:
        ordinals = index.find(provided.passage_id) if provided.passage_id is not None else []
        if not ordinals:
            raise UnknownPassageError(provided.passage_id or "", place)
        return RequestedPassage(ordinals[0], index.passage(ordinals[0]))
    for ordinal in index.find_text(provided.text):
        known = index.passage(ordinal)
        # A window begins with the title, so that another title has other states.
        if provided.title in (None, known.title):
            label = provided.passage_id or known.passage_id
            return RequestedPassage(ordinal, replace(known, passage_id=label))
    return RequestedPassage(
        None, Passage(provided.passage_id or "", provided.text, provided.title or "")
    )


def provided_request(
    index: PassageIndex, question: str, passages: Sequence[ProvidedPassage], bm25_weight: float
) -> ReadRequest:
    """A request to read provided passages, from stored states where the index has them.

    Args:
        index: An open index.
        question: The question.
        passages: The passages.
        bm25_weight: Logits per point of the score of a passage.

    Raises:
        UnknownPassageError: If a passage has no text, and the index not its identifier.
    """
    return ReadRequest(
        question,
        [find_passage(index, passage, place) for place, passage in enumerate(passages)],
        [bm25_weight * passage.score for passage in passages],
    )
