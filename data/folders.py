"""Files of a folder, in an order that every machine agrees on."""

from collections.abc import Collection
from pathlib import Path

from .peek import data_suffix


def find_files(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """All files with one of the suffixes (``.gz`` aside), in sub-folders too, sorted by path.

    What starts with a dot is hidden and left out.
    """
    found = (path for path in folder.rglob("*") if data_suffix(path) in suffixes)
    files = [path for path in found if path.is_file() and not _is_hidden(path, folder)]
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())


def _is_hidden(path: Path, folder: Path) -> bool:
    """Whether a part of the path below the folder starts with a dot."""
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
