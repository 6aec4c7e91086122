"""Files of a folder, in the same order on every machine."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NoReturn

from ..errors import DataError
from .peek import data_suffix
from .system_errors import reason_of

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

    Files and folders whose name starts with a dot are left out.

    Args:
        folder: The folder.
        suffixes: The suffixes that count, in lower case; ``.gz`` after one is ignored.

    Raises:
        DataError: If a folder cannot be read. What is in it would be taken to be gone.
    """
    found = (path for path in walk(folder) if data_suffix(path) in suffixes)
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def walk(folder: Path) -> Iterator[Path]:
    """List the files of a folder and its sub-folders, in no order; hidden ones are left out.

    Args:
        folder: The folder.

    Raises:
        DataError: If a folder cannot be read.
    """
    for place, folders, files in os.walk(folder, onerror=refuse_unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(place, name)
            if not name.startswith(".") and path.is_file():
                yield path


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


def files_of(path: Path, suffixes: Collection[str]) -> list[Path]:
    """List the files that a path stands for.

    Args:
        path: A file, whatever its suffix, or a folder.
        suffixes: The suffixes that count in a folder, in lower case; ``.gz`` after one is ignored.

    Returns:
        The file itself, or the folder's files as `find_files` lists them.

    Raises:
        DataError: If the folder holds no such file.
    """
    if not path.is_dir():
        return [path]
    files = find_files(path, suffixes)
    if not files:
        names = " or ".join(sorted(suffixes))
        raise DataError(f"expected {names} files in the folder, found none. Add them.", path=path)
    return files


def is_documentation(path: Path) -> bool:
    """Decide whether a file describes its folder, as README.md and LICENSE.txt do.

    Args:
        path: The file; only its name counts.
    """
    return path.name.lower().startswith(_DOCUMENTATION)
