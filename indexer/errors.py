"""What can be wrong with an index."""

from collections.abc import Sequence

from ..data import PrereadError

N_LISTED = 3
"""Identifiers that an error names."""


class IndexFormatError(PrereadError):
    """A file of the index is missing, cut short, damaged, or of another format version."""


class IndexMismatchError(PrereadError):
    """The index was made by another reader than the one that is to answer from it."""


def listed(names: Sequence[str]) -> str:
    """The first of some names, for a message."""
    shown = ", ".join(repr(name) for name in names[:N_LISTED])
    return shown + (" …" if len(names) > N_LISTED else "")
