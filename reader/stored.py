"""Which of two texts is run through the lower layers ahead of time."""

from enum import StrEnum

from ..data import PrereadError


class Stored(StrEnum):
    """Which text of a pair is run through the lower layers ahead of time."""

    FIRST = "first"
    """The text in the question's place, such as the premise of MNLI."""
    SECOND = "second"
    """The text in the passage's place."""


def parse_stored(name: str) -> Stored:
    """The member of `Stored` with a given value.

    Args:
        name: ``first`` or ``second``.

    Raises:
        PrereadError: If it is neither.
    """
    try:
        return Stored(name)
    except ValueError:
        raise PrereadError(f"stored: expected {' or '.join(Stored)}, found {name!r}.") from None
