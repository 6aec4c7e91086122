"""Files of a folder, in an order that every machine agrees on."""

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
"""What names of files begin with that describe a folder and are no part of its content."""


def find_files(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """All files with one of the suffixes (``.gz`` aside), in sub-folders too, sorted by path.

    What starts with a dot is hidden and left out.
    """
    found = (path for path in folder.rglob("*") if data_suffix(path) in suffixes)
    files = [path for path in found if path.is_file() and not _is_hidden(path, folder)]
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())


def files_of(path: Path, suffixes: Collection[str]) -> list[Path]:
    """A file itself, or all files of a folder that `find_files` finds.

    Args:
        path: A file, whatever its suffix, or a folder.
        suffixes: What names of files in the folder end in.

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
    """Whether a file describes its folder, as README.md and LICENSE.txt do."""
    return path.name.lower().startswith(_DOCUMENTATION)


def _is_hidden(path: Path, folder: Path) -> bool:
    """Whether a part of the path below the folder starts with a dot."""
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
