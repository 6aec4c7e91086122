"""Files of a folder, in the same order on every machine."""

from collections.abc import Collection
from pathlib import Path

from ..errors import DataError
from .peek import data_suffix

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
    """
    found = (path for path in folder.rglob("*") if data_suffix(path) in suffixes)
    files = [path for path in found if path.is_file() and not _is_hidden(path, folder)]
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())


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


def _is_hidden(path: Path, folder: Path) -> bool:
    """Decide whether a part of the path below the folder starts with a dot."""
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
