"""Errors of indexes."""

from collections.abc import Sequence
from pathlib import Path

from ..data import PrereadError
from ..data.io.system_errors import reason_of, refused_path

N_LISTED = 3
"""Greatest number of identifiers that an error names."""


class IndexFormatError(PrereadError):
    """A file of the index is missing, cut short, damaged, or has another format version."""


class AbsentPassageError(IndexFormatError, IndexError):
    """No passage has a number: that of a caller, or one in a file that finds passages."""


class IndexAccessError(PrereadError):
    """The operating system refuses to read a file of the index; the file may be sound."""


class IndexMismatchError(PrereadError):
    """The index was made by a reader, a codec, an encoder or options other than those in use."""


def cannot_be_read(path: Path, error: OSError) -> IndexAccessError:
    """Make the error for a file that cannot be opened.

    Args:
        path: A file of the index. Where a folder above it must not be entered, that is named.
        error: The operating system's error.
    """
    advice = ""
    if isinstance(error, FileNotFoundError):
        advice = " Restore it from a backup, or build the index again."
    return IndexAccessError(
        f"{refused_path(path, error)}: cannot be read: {reason_of(error)}{advice}"
    )


def listed(names: Sequence[str]) -> str:
    """Join names for a message: the first few, and dots if there are more.

    Args:
        names: Names, such as identifiers.
    """
    shown = ", ".join(repr(name) for name in names[:N_LISTED])
    return shown + (" …" if len(names) > N_LISTED else "")
