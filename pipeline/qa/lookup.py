"""Looking up provided passages in an index, which may have their states."""

from collections.abc import Iterable
from dataclasses import replace

from ...data import Passage, PrereadError
from ...data.arguments import check_finite_number
from ...data.io.json_records import shorten
from ...data.io.outside import check_text
from ...indexer import PassageIndex
from .types import ProvidedPassage, ReadRequest, RequestedPassage


class UnknownPassageError(PrereadError):
    """A provided passage has no text, and the index does not have its identifier."""

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


def check_provided(passages: object) -> list[ProvidedPassage]:
    """Check provided passages, before the first is used.

    Args:
        passages: What the caller gave: any iterable of `ProvidedPassage`.

    Raises:
        PrereadError: If it is no iterable, or one of them is no `ProvidedPassage`, has a field that
            is no Unicode text, or a score that is no finite number. The error has the position of
            the passage, from 0, in brackets.
    """
    if not isinstance(passages, Iterable):
        raise PrereadError(
            f"passages: expected a list of ProvidedPassage, found {shorten(passages)}. Put a "
            "single one into a list."
        )
    return [_checked(one, f"passages[{place}]") for place, one in enumerate(passages)]


def _checked(provided: object, where: str) -> ProvidedPassage:
    """One provided passage, if its fields are what they must be; errors begin with ``where``."""
    if not isinstance(provided, ProvidedPassage):
        raise PrereadError(
            f"{where}: expected a ProvidedPassage, found {shorten(provided)}. Give "
            "ProvidedPassage(passage_id) or ProvidedPassage(text=...)."
        )
    for name in ("passage_id", "text", "title"):
        value = getattr(provided, name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise PrereadError(
                f"{where}: {name}: expected text or None, found {shorten(value)}. Give a string."
            )
        check_text(value, f"{where}: {name}")
    check_finite_number(f"{where}: score", provided.score)
    return provided


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
    index: PassageIndex, question: str, passages: Iterable[ProvidedPassage], bm25_weight: float
) -> ReadRequest:
    """A request to read provided passages, from stored states where the index has them.

    Args:
        index: An open index.
        question: The question.
        passages: The passages.
        bm25_weight: Logits per point of the score of a passage.

    Raises:
        PrereadError: If a passage has a field of another type, or a score that is not finite.
        UnknownPassageError: If a passage has no text, and the index not its identifier.
    """
    checked = check_provided(passages)
    return ReadRequest(
        question,
        [find_passage(index, passage, place) for place, passage in enumerate(checked)],
        [bm25_weight * passage.score for passage in checked],
    )
