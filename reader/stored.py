"""Which of two texts is read ahead of time."""

from enum import StrEnum

from ..data import PrereadError


class Stored(StrEnum):
    """Which segment is run through the lower layers ahead of time."""

    FIRST = "first"
    """What our code calls the question; the premise of MNLI."""
    SECOND = "second"
    """What our code calls the passage."""


def parse_stored(name: str) -> Stored:
    """A segment by its name.

    Raises:
        PrereadError: If there is none of that name.
    """
    try:
        return Stored(name)
    except ValueError:
        raise PrereadError(f"stored: expected {' or '.join(Stored)}, found {name!r}.") from None
