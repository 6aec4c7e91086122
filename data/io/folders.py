"""Files of a folder, in the same order on every machine."""

import os
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import NoReturn

from ..errors import DataError
from .lines import describe_absence
from .peek import data_suffix
from .system_errors import reason_of

_GENERATED = frozenset({"__pycache__", "node_modules", "site-packages"})
"""Folders that hold what programs wrote."""
HIDDEN = "hidden or generated"
"""Reason under which a report counts files and folders whose name starts with a dot, the files
beside open ones of Microsoft Office, and folders that programs wrote."""
_HIDDEN_STARTS = (".", "~$")
"""Beginnings of hidden names. While Microsoft Office has ``a.docx`` open, ``~$a.docx`` names its
user."""

_DOCUMENTATION = (
    "readme",
    "license",
    "licence",
    "copying",
    "notice",
    "changelog",
    "contributing",
    "authors",
    "citation",
)
"""Beginnings of the names of files that describe a folder and are not part of its content."""


def find_files(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """List the files of a folder and its sub-folders, sorted by path.

    What is hidden or generated is left out.

    Args:
        folder: The folder.
        suffixes: The suffixes that count, in lower case; ``.gz`` after one is ignored.

    Raises:
        DataError: If a folder cannot be read, a link leads to a folder elsewhere, or what has such
            a suffix is no file, as a broken link or a pipe. What is in it would be taken to be
            gone.
    """
    found = [path for path in walk(folder, Counter()) if data_suffix(path) in suffixes]
    for path in found:
        check_regular(path)
    return found


def walk(folder: Path, left_out: Counter[str]) -> list[Path]:
    """List what is in a folder and its sub-folders, folders aside, sorted by path.

    What is hidden or generated is left out. Links to folders are not followed; one that leads to a
    folder which is listed anyway changes nothing.

    Args:
        folder: The folder.
        left_out: Updated with the number of files and folders that are left out.

    Raises:
        DataError: If a folder cannot be read, or a link leads to a folder elsewhere.
    """
    found: list[Path] = []
    for place, folders, files in os.walk(folder, onerror=refuse_unreadable):
        for name in [*folders, *files]:
            if is_left_out(name):
                left_out[HIDDEN] += 1
        folders[:] = [name for name in folders if not is_left_out(name)]
        for name in folders:
            _check_link(Path(place, name), folder)
        found += [Path(place, name) for name in files if not is_left_out(name)]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def is_left_out(name: str) -> bool:
    """Decide whether a file or folder is hidden or generated.

    Args:
        name: Its name.
    """
    return name.startswith(_HIDDEN_STARTS) or name in _GENERATED


def _check_link(path: Path, root: Path) -> None:
    """Refuse a link to a folder whose files are not listed under their own names."""
    if not path.is_symlink():
        return
    target, base = path.resolve(), root.resolve()
    if target.is_relative_to(base):
        if not any(map(is_left_out, target.relative_to(base).parts)):
            return
    raise DataError(
        f"expected a folder, found a link to {target}, which is not followed. Move the folder "
        "here, or name it by itself.",
        path=path,
    )


def check_regular(path: Path) -> None:
    """Refuse a file of a folder that cannot be read as a file.

    Args:
        path: What was found in the folder.

    Raises:
        DataError: If it is a broken link, a pipe, a socket or a device, or the system refuses to
            tell what it is.
    """
    try:
        if path.is_file():
            return
        found = "a pipe, a socket or a device" if path.exists() else describe_absence(path)
    except OSError as error:
        raise DataError(
            f"cannot be read: {error.strerror}. Permit reading it, or move it away.", path=path
        ) from error
    raise DataError(f"expected a file, found {found}. Restore or remove it.", path=path)


def refuse_unreadable(error: OSError) -> NoReturn:
    """Raise the error of a folder that cannot be listed.

    Args:
        error: The operating system's error.

    Raises:
        DataError: Always.
    """
    where = os.fsdecode(error.filename)
    raise DataError(
        f"the folder cannot be read: {reason_of(error)}",
        path=where,
    ) from error


def is_documentation(path: Path) -> bool:
    """Decide whether a file describes its folder, as README.md and LICENSE.txt do.

    Args:
        path: The file; only its name counts.
    """
    return path.name.lower().startswith(_DOCUMENTATION)
