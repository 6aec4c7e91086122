"""What can be wrong with an index."""

from ..data import PrereadError


class IndexFormatError(PrereadError):
    """A file of the index is missing, cut short, damaged, or of another format version."""


class IndexMismatchError(PrereadError):
    """The index was made by another reader than the one that is to answer from it."""
