"""The journal of a build under way: what it makes, and the shards that are finished.

``--resume`` goes by it. It is removed when the manifest is written.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...data import Passage, PrereadError
from ...data.io.atomic import atomic_path
from ..errors import IndexFormatError, IndexMismatchError
from .files import make_folder
from .json_files import MAX_JSON_BYTES, parse_json_object, read_bounded, write_json
from .manifest import LOOKUP_FOLDER, STATES_FOLDER, ShardEntry, parse_shard_entry

PLAN_FILE = "build.json"
SHARDS_FILE = "build-shards.jsonl"


class Journal:
    """What a build has done so far."""

    def __init__(
        self,
        index: Path,
        plan: dict[str, Any],
        *,
        resume: bool,
        otherwise: str = "remove the folder",
        is_whole: Callable[[ShardEntry], bool] = lambda shard: True,
    ) -> None:
        """Begin a build, or go on with one.

        Args:
            index: The index folder; there already.
            plan: What decides the bytes that are written.
            resume: Go on where an earlier build stopped, if there was one.
            otherwise: What to do about an earlier build that is not wanted.
            is_whole: Whether everything that belongs to a finished shard, besides its file, is
                there; if not, it and the shards after it are written again.

        Raises:
            PrereadError: If a build was begun there and is not to be resumed.
            IndexFormatError: If the journal is not one that we write.
            IndexMismatchError: If the earlier build was another one.
        """
        self._is_whole = is_whole
        self._index = index
        self.shards: list[ShardEntry] = []
        for folder in (STATES_FOLDER, LOOKUP_FOLDER):
            make_folder(index / folder)
        if (index / PLAN_FILE).exists():
            check_earlier(index, plan, resume=resume, otherwise=otherwise)
            self.shards = self._read_shards()
        else:
            write_json(index / PLAN_FILE, plan)

    def add(self, shard: ShardEntry) -> None:
        """Note a finished shard; it reaches the disk before this returns.

        Args:
            shard: What the manifest will say of it.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(self._index / SHARDS_FILE, flags, 0o666), "ab") as file:
            file.write(json.dumps(asdict(shard)).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.shards.append(shard)

    def _read_shards(self) -> list[ShardEntry]:
        """Finished shards; a last line that a crash cut short does not count."""
        path = self._index / SHARDS_FILE
        if not (path.exists() or path.is_symlink()):
            return []
        shards: list[ShardEntry] = []
        whole = b""
        content = read_bounded(path, MAX_JSON_BYTES)
        for number, line in enumerate(content.splitlines(keepends=True), start=1):
            try:
                fields = parse_json_object(line, path)
            except IndexFormatError:
                break
            entry = parse_shard_entry(fields, f"{path}:{number}")
            file = self._index / entry.file
            if not line.endswith(b"\n") or not file.exists() or file.lstat().st_size != entry.bytes:
                break
            if not self._is_whole(entry):
                break
            shards.append(entry)
            whole += line
        if whole != content:
            with atomic_path(path) as temporary:
                temporary.write_bytes(whole)
        return shards


def read_plan(index: Path) -> dict[str, Any] | None:
    """The plan of the build that was begun in a folder; None where none was.

    Args:
        index: The index folder.

    Raises:
        IndexFormatError: If the file is damaged, or not one that we write.
    """
    path = index / PLAN_FILE
    if not (path.exists() or path.is_symlink()):
        return None
    return parse_json_object(read_bounded(path), path)


def check_earlier(
    index: Path, plan: dict[str, Any], *, resume: bool, otherwise: str = "remove the folder"
) -> None:
    """Refuse to go on with a build that is not to be resumed, or was another one.

    Args:
        index: The index folder; nothing is checked where no build was begun.
        plan: What decides the bytes that are written.
        resume: Whether an earlier build may be gone on with.
        otherwise: What to do about an earlier build that is not wanted.

    Raises:
        PrereadError: If a build was begun there and is not to be resumed.
        IndexFormatError: If the journal is not one that we write.
        IndexMismatchError: If the earlier build was another one.
    """
    if not resume and (index / PLAN_FILE).exists():
        raise PrereadError(
            f"{index}: a build was begun there. Go on with it by --resume, or {otherwise}."
        )
    earlier = read_plan(index)
    if earlier is None:
        return
    for name, wanted in plan.items():
        if earlier.get(name) != wanted:
            raise IndexMismatchError(
                f"{index}: the build that was begun there has {name} = {earlier.get(name)!r}, this "
                f"one {wanted!r}. Repeat the first command with --resume, or {otherwise}."
            )


def remove_journal(index: Path) -> None:
    """Remove the journal of a build, which the manifest replaces.

    Args:
        index: The index folder.
    """
    (index / SHARDS_FILE).unlink(missing_ok=True)
    (index / PLAN_FILE).unlink(missing_ok=True)


def hash_passages(passages: Iterable[Passage]) -> str:
    """BLAKE2b-128 of identifiers, titles and texts, hexadecimal.

    ``docs/reference/index-format.md`` says how they are laid out.

    Args:
        passages: In order.
    """
    digest = hashlib.blake2b(digest_size=16)
    for passage in passages:
        for field in (passage.passage_id, passage.title, passage.text):
            data = field.encode("utf-8")
            digest.update(len(data).to_bytes(8, "little"))
            digest.update(data)
    return digest.hexdigest()
