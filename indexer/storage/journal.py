"""The journal of a build under way: what it makes, and the shards that are finished.

It is what ``--resume`` goes by, and is removed when the manifest is written.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...data import Passage, PrereadError
from ..errors import IndexMismatchError
from .files import write_json
from .manifest import LOOKUP_FOLDER, STATES_FOLDER, ShardEntry

PLAN_FILE = "build.json"
SHARDS_FILE = "build-shards.jsonl"
_SINCE_ADDED = {"title_weight": 1}
"""What builds had that were begun before these could be chosen."""


class Journal:
    """What a build has done so far."""

    def __init__(
        self,
        index: Path,
        plan: dict[str, Any],
        *,
        resume: bool,
        otherwise: str = "remove the folder",
    ) -> None:
        """Begin a build, or go on with one.

        Args:
            index: The index folder; there already.
            plan: What decides the bytes that are written.
            resume: Go on where an earlier build stopped, if there was one.
            otherwise: What to do about an earlier build that is not wanted.

        Raises:
            PrereadError: If a build was begun there and is not to be resumed.
            IndexMismatchError: If the earlier build was another one.
        """
        self._index = index
        self.shards: list[ShardEntry] = []
        if (index / PLAN_FILE).exists():
            check_earlier(index, plan, resume=resume, otherwise=otherwise)
            self.shards = self._read_shards()
        else:
            write_json(index / PLAN_FILE, plan)
        for folder in (STATES_FOLDER, LOOKUP_FOLDER):
            (index / folder).mkdir(exist_ok=True)

    def add(self, shard: ShardEntry) -> None:
        """Note a finished shard; it reaches the disk before this returns."""
        with (self._index / SHARDS_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(shard)) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.shards.append(shard)

    def _read_shards(self) -> list[ShardEntry]:
        """Finished shards; a last line cut short by a crash does not count."""
        path = self._index / SHARDS_FILE
        shards: list[ShardEntry] = []
        whole = b""
        for line in path.read_bytes().splitlines(keepends=True) if path.exists() else []:
            try:
                entry = ShardEntry(**json.loads(line))
            except (ValueError, TypeError):
                break
            file = self._index / entry.file
            if not line.endswith(b"\n") or not file.exists() or file.stat().st_size != entry.bytes:
                break
            shards.append(entry)
            whole += line
        if path.exists():
            path.write_bytes(whole)
        return shards


def check_earlier(
    index: Path, plan: dict[str, Any], *, resume: bool, otherwise: str = "remove the folder"
) -> None:
    """Refuse to go on with a build that is not to be resumed, or was another one.

    Args:
        index: The index folder; nothing is checked where no build was begun.
        plan: As in `Journal`; so are the others.
        resume: See ``plan``.
        otherwise: See ``plan``.

    Raises:
        PrereadError: As `Journal` does.
        IndexMismatchError: As `Journal` does.
    """
    path = index / PLAN_FILE
    if not path.exists():
        return
    if not resume:
        raise PrereadError(
            f"{index}: a build was begun there. Go on with it by --resume, or {otherwise}."
        )
    earlier = _SINCE_ADDED | json.loads(path.read_text("utf-8"))
    for name, wanted in plan.items():
        if earlier.get(name) != wanted:
            raise IndexMismatchError(
                f"{index}: the build that was begun there has {name} = {earlier.get(name)!r}, this "
                f"one {wanted!r}. Repeat the first command with --resume, or {otherwise}."
            )


def remove_journal(index: Path) -> None:
    """Forget the build: the manifest has taken over."""
    (index / SHARDS_FILE).unlink(missing_ok=True)
    (index / PLAN_FILE).unlink(missing_ok=True)


def hash_passages(passages: Iterable[Passage]) -> str:
    """BLAKE2b-128 of identifiers, titles and texts, hexadecimal.

    ``docs/reference/index-format.md`` says how they are laid out.
    """
    digest = hashlib.blake2b(digest_size=16)
    for passage in passages:
        for field in (passage.passage_id, passage.title, passage.text):
            data = field.encode("utf-8")
            digest.update(len(data).to_bytes(8, "little"))
            digest.update(data)
    return digest.hexdigest()
