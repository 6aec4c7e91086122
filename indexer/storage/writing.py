"""Changing an index while no other process changes it."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...data import PrereadError
from ...data.io.system_errors import advice_on
from .cleaning import remove_unused
from .journal import PLAN_FILE, remove_journal
from .manifest import Manifest
from .snapshots import sole_writer

_ADVICE = {
    errno.ENOSPC: " The disk is full: make room and {repeat}.",
    errno.EDQUOT: " Your share of the disk is used up: make room and {repeat}.",
    errno.EACCES: " Choose a folder you may write to.",
    errno.EPERM: " Choose a folder you may write to.",
    errno.EROFS: " Choose a folder you may write to.",
}


@contextmanager
def writing(index: Path, *, keep_journal: bool = False, resumes: bool = False) -> Iterator[None]:
    """Hold off other writers, and remove what no generation needs, before and after.

    Args:
        index: The index folder.
        keep_journal: Keep the journal of an addition that was stopped.
        resumes: Whether the command that changes the index has an option ``--resume``.

    Raises:
        PrereadError: If the index is a part of another, another process is changing it, or the disk
            refuses.
    """
    manifest = Manifest.load(index)  # or there would be a lock in a folder that is no index
    if manifest.part is not None:
        raise PrereadError(
            f"{index}: is part {manifest.part.number + 1} of {manifest.part.of} of an index, and "
            "scores by the words of all of them. Change the whole index and split it again, or "
            "`preread merge` the parts first."
        )
    with explaining_write_errors(index, resumes=resumes), sole_writer(index):
        if not (keep_journal and (index / PLAN_FILE).exists()):
            remove_journal(index)
            remove_unused(index)
        yield
        remove_journal(index)
        remove_unused(index)


@contextmanager
def explaining_write_errors(index: Path, *, resumes: bool = False) -> Iterator[None]:
    """Say what to do when the operating system refuses to write.

    An error that names a file elsewhere is about that file, and not about the index.

    Args:
        index: The index folder, for the message.
        resumes: Whether the command that writes has an option ``--resume``.

    Raises:
        PrereadError: Instead of an `OSError`.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.filename is None:
            where = ""
        elif _is_near(Path(os.fsdecode(error.filename)), index):
            where = f" ({os.fsdecode(error.filename)})"
        else:
            where = os.fsdecode(error.filename)
            raise PrereadError(f"{where}: {reason}.{advice_on(error)}") from error
        repeat = "go on with --resume" if resumes else "repeat the command"
        advice = _ADVICE.get(error.errno or 0, "").format(repeat=repeat) or advice_on(error)
        raise PrereadError(f"{index}: cannot be written: {reason}{where}.{advice}") from error


def _is_near(path: Path, index: Path) -> bool:
    """Whether a path is in the index folder, above it, or in its temporary folder beside it."""
    path, index = path.absolute(), index.absolute()
    if index.is_relative_to(path) or path.is_relative_to(index):
        return True
    beside = path.parts[: len(index.parts)]  # `atomic_folder` names it
    return beside[:-1] == index.parts[:-1] and beside[-1].startswith(f".{index.name}-")
