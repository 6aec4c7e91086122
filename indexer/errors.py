"""What can be wrong with an index."""

from collections.abc import Sequence
from pathlib import Path

from ..data import PrereadError

N_LISTED = 3
"""Identifiers that an error names."""


class IndexFormatError(PrereadError):
    """A file of the index is missing, cut short, damaged, or of another format version."""


class IndexAccessError(PrereadError):
    """The operating system does not let a file of the index be read; the file may be sound."""


class IndexMismatchError(PrereadError):
    """The index was made by another reader than the one that is to answer from it."""


def check_readable(path: Path) -> None:
    """See that the operating system lets a file be read, before its content is judged.

    Args:
        path: A file of the index.

    Raises:
        IndexAccessError: If it does not; the message is the operating system's.
    """
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise cannot_be_read(path, error) from error


def cannot_be_read(path: Path, error: OSError) -> IndexAccessError:
    """The error for a file that the operating system does not give."""
    return IndexAccessError(f"{path}: cannot be read: {error.strerror or error}.")


def listed(names: Sequence[str]) -> str:
    """The first of some names, for a message."""
    shown = ", ".join(repr(name) for name in names[:N_LISTED])
    return shown + (" …" if len(names) > N_LISTED else "")
