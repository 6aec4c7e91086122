"""Removing what no generation of an index needs any more.

A file is removed only if its name is one that we give, and only from a folder that is no link:
whatever else lies in an index folder stays as it is.
"""

import fcntl
import re
from collections.abc import Iterator
from pathlib import Path

from .files import entries_of, list_folder, open_regular, remove_folder
from .journal import PLAN_FILE, SHARDS_FILE
from .manifest import (
    CODEC_FILE,
    DELETED_NAME,
    DELETED_PREFIX,
    DENSE_FOLDER,
    FILE_LIST,
    LOOKUP_FOLDER,
    LOOKUP_NAME,
    LUCENE_FILE_NAME,
    LUCENE_LOCK,
    LUCENE_NAME,
    LUCENE_PREFIX,
    MANIFEST_FILE,
    METADATA_FOLDER,
    METADATA_NAME,
    SHARD_NAME,
    SNAPSHOT_NAME,
    SNAPSHOTS_FOLDER,
    STATES_FOLDER,
    VECTORS_NAME,
    Manifest,
)
from .snapshots import snapshot_path

_FOLDERS = (STATES_FOLDER, LOOKUP_FOLDER, DENSE_FOLDER, METADATA_FOLDER)
READER_FILE = f"{STATES_FOLDER}/reader"
"""Worker processes load the reader from a temporary file that is named after this."""

_PREFIXES = (LUCENE_PREFIX, DELETED_PREFIX, CODEC_FILE)
_OF_GENERATION = "|".join(
    (
        *(SHARD_NAME, LOOKUP_NAME, DELETED_NAME, VECTORS_NAME, METADATA_NAME, LUCENE_NAME),
        re.escape(CODEC_FILE),
    )
)
_OTHERS = (READER_FILE, MANIFEST_FILE, PLAN_FILE, SHARDS_FILE)
_IS_OF_GENERATION = re.compile(_OF_GENERATION)
_IS_UNFINISHED = re.compile(
    rf"(?:{_OF_GENERATION}|{SNAPSHOT_NAME}|{'|'.join(map(re.escape, _OTHERS))})"
    r"(?:\.[\w-]+)*\.(?:tmp|rows)"
)
_IS_SNAPSHOT = re.compile(SNAPSHOT_NAME)
_IN_LUCENE_FOLDER = re.compile(
    rf"{LUCENE_FILE_NAME}|pending_segments_[0-9a-z]+|{re.escape(LUCENE_LOCK)}|"
    rf"{re.escape(FILE_LIST)}(?:\.[0-9a-f]+\.tmp)?"
)


def remove_unused(index: Path) -> None:
    """Remove files that neither the newest generation nor one that is being read needs.

    Args:
        index: The index folder, which no one else is changing.
    """
    newest = Manifest.load(index)
    needed = [newest]
    for path in snapshots(index):
        if path == snapshot_path(index, newest.generation):
            continue
        with open_regular(path) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            except BlockingIOError:
                needed.append(Manifest.read(path))
    kept = {file.file for manifest in needed for file in manifest.files()}
    kept |= {manifest.lucene for manifest in needed}
    for path in files_of_generations(index):
        name = path.relative_to(index).as_posix()
        if name not in kept and _IS_OF_GENERATION.fullmatch(name):
            _remove(path)
    remove_unfinished(index)


def remove_unfinished(index: Path) -> None:
    """Remove the temporary files of writers that were killed.

    Args:
        index: The index folder, which no one else is changing.
    """
    folders = [index / name for name in (*_FOLDERS, SNAPSHOTS_FOLDER)]
    for path in (*list_folder(index), *(path for folder in folders for path in entries_of(folder))):
        if is_unfinished(path.relative_to(index).as_posix()):
            _remove(path)


def is_unfinished(name: str) -> bool:
    """Whether a name is one that writers give what they have not finished.

    Args:
        name: A path below the index folder.
    """
    return _IS_UNFINISHED.fullmatch(name) is not None


def snapshots(index: Path) -> list[Path]:
    """The manifests of generations, oldest first.

    Args:
        index: The index folder.
    """
    found = entries_of(index / SNAPSHOTS_FOLDER)
    return [path for path in found if _IS_SNAPSHOT.fullmatch(path.relative_to(index).as_posix())]


def files_of_generations(index: Path) -> Iterator[Path]:
    """Everything that stands where files of generations do, and Lucene's folders.

    Args:
        index: The index folder.
    """
    for folder in _FOLDERS:
        yield from entries_of(index / folder)
    for path in list_folder(index):
        if path.name.startswith(_PREFIXES):
            yield path


def is_lucene_leftover(name: str) -> bool:
    """Whether a file of a folder of Lucene's is one that Lucene or we wrote.

    Args:
        name: Its name in the folder.
    """
    return _IN_LUCENE_FOLDER.fullmatch(name) is not None


def _remove(path: Path) -> None:
    """Remove a file, a link, or a folder of Lucene's."""
    if path.is_dir() and not path.is_symlink():
        remove_folder(path, is_lucene_leftover)
    else:
        path.unlink(missing_ok=True)
