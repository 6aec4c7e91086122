"""What the operating system refuses: said as itself, with its path and what to do about it.

A file that may not be read, or a process that has too many files open, says nothing about what is
in the file. Only a parser or a checksum can tell that it is damaged.
"""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import DataError

_REFUSALS = (
    errno.EACCES,
    errno.EPERM,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.EIO,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
)
_FULL = "Make room, or write to another disk."
_PERMIT = "Permit this user to do so, or run as a user who may."
_ADVICE = {
    errno.EACCES: _PERMIT,
    errno.EPERM: _PERMIT,
    errno.ENFILE: "All processes together have too many files open: end some of them.",
    errno.ENOMEM: "The memory is full: end other programs.",
    errno.EIO: "Check the disk; a special file, such as one in /proc, cannot be read.",
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
}


def refusal_in(error: BaseException) -> OSError | None:
    """Find the refusal of the operating system that an exception tells of.

    Libraries in C, Rust and Java put the system's words into exceptions of their own.

    Args:
        error: Any exception.

    Returns:
        The refusal; None where the exception tells of something else, such as a missing or a
        damaged file.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return error if error.errno in _REFUSALS else None
    text = str(error)
    return next(
        (OSError(code, os.strerror(code)) for code in _REFUSALS if os.strerror(code) in text), None
    )


def advice_on(error: BaseException) -> str:
    """What to do about a refusal of the operating system: a space and a sentence, or nothing.

    Args:
        error: Any exception.
    """
    refusal = refusal_in(error)
    if refusal is None:
        return ""
    if refusal.errno == errno.EMFILE:
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return (
            f" This process may have {limit:,} files open at a time: close some, or raise the "
            "limit (`ulimit -n`)."
        )
    advice = _ADVICE.get(refusal.errno or 0)
    return f" {advice}" if advice else ""


def refused_path(path: str | Path, error: OSError) -> Path:
    """Find what is refused: a file, or the folder above it that must not be entered.

    Args:
        path: The file or folder that was to be read.
        error: The operating system's error.

    Returns:
        The path itself; where permission is denied, the highest folder above it that denies it.
    """
    path = Path(path)
    if isinstance(error, PermissionError):
        for folder in reversed(path.parents):
            if not os.access(folder, os.X_OK):
                return folder
    return path


def first_line(error: BaseException) -> str:
    """The first line of an exception's words; of one without words, its representation.

    Args:
        error: Any exception.
    """
    return (str(error).strip() or repr(error)).splitlines()[0]


def words_of(error: BaseException) -> str:
    """An exception's own words in one line, and what to do if the operating system refused.

    Args:
        error: Any exception, such as that of a library which names the file itself.
    """
    words = first_line(error)
    advice = advice_on(error)
    return f"{words.rstrip('.')}.{advice}" if advice else words


def reason_of(error: BaseException) -> str:
    """Say in one line why a file could not be read or written, and what to do about it.

    Args:
        error: What was raised.

    Returns:
        One or two sentences; the first has no capital.
    """
    words = getattr(error, "strerror", None) or str(error).strip() or repr(error)
    return f"{words.splitlines()[0].rstrip('.')}.{advice_on(error)}"


def can_open(n_files: int) -> bool:
    """Whether this process may open so many more files.

    Args:
        n_files: Number of files.
    """
    opened: list[int] = []
    try:
        for _ in range(n_files):
            opened.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        return False
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return True


@contextmanager
def explaining_read_errors(path: str | Path) -> Iterator[None]:
    """Have an error of the operating system name what could not be read.

    Args:
        path: The file or folder that is read, named where the error names none.

    Raises:
        DataError: Instead of an `OSError`.
    """
    try:
        yield
    except OSError as error:
        where = refused_path(path if error.filename is None else os.fsdecode(error.filename), error)
        raise DataError(f"cannot be read: {reason_of(error)}", path=where) from error
