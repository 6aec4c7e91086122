"""Encoding the passages of each shard, with files that let interrupted work continue."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from ...data.io.atomic import atomic_path
from ..storage.arrays import map_array, write_array
from ..storage.files import check_folder, make_folder, remove_folder
from ..storage.json_files import parse_json_object, read_bounded, write_json
from ..storage.manifest import ShardEntry
from ..storage.shard_reader import ShardReader
from .base import VectorEncoder, Vectors

WORK_FOLDER = "dense-work"
_ENCODER_FILE = "encoder.json"
_IS_OURS = re.compile(r"(?:encoder\.json|[0-9a-f]{32}\.npy)(?:\.[0-9a-f]+\.tmp)?")
"""Names of the files in the folder."""
_PASSAGES_AT_ONCE = 256
"""Number of passages after which the progress bar moves."""

Array = npt.NDArray[Any]


class ShardVectors:
    """Files with the vectors of each shard; a file is named after the shard's SHA-256."""

    def __init__(self, index: Path, encoder: VectorEncoder) -> None:
        """Keep the files of an interrupted run with the same encoder, and remove others.

        Args:
            index: The index folder.
            encoder: Computes the vectors.
        """
        self._index = index
        self._encoder = encoder
        begin_work(index, encoder)

    def make(self, shards: Sequence[ShardEntry], *, show_progress: bool) -> None:
        """Write the missing files.

        Args:
            shards: Shards whose passages are encoded.
            show_progress: Draw a progress bar on standard error.
        """
        with tqdm(
            total=sum(shard.n_passages for shard in shards),
            unit=" passages",
            desc="encoding",
            disable=not show_progress,
            delay=1,
        ) as bar:
            for shard in shards:
                if work_file(self._index, shard).exists():
                    bar.update(shard.n_passages)
                    continue
                write_shard_vectors(self._index, shard, self._encode(shard, bar))

    def runs(self, shards: Sequence[ShardEntry], without: Array) -> Iterator[tuple[Array, Array]]:
        """Read the vectors, shard by shard.

        Args:
            shards: Shards whose files exist.
            without: Ordinals of passages to leave out, ascending. Shape ``(n,)``.

        Yields:
            For each shard the ordinals, shape ``(n,)``, and the vectors, shape ``(n, width)``,
            float16.
        """
        for shard in shards:
            ordinals = ShardReader(self._index / shard.file).ordinals
            is_left = ~np.isin(ordinals, without)
            shape = (shard.n_passages, self._encoder.width)
            yield ordinals[is_left], map_array(work_file(self._index, shard), "<f2", shape)[is_left]

    def _encode(self, shard: ShardEntry, bar: "tqdm[None]") -> Vectors:
        """Vectors of all passages of a shard. Shape ``(n_passages, width)``, float32."""
        opened = ShardReader(self._index / shard.file)
        passages = [opened.passage(row) for row in range(shard.n_passages)]
        # The whole shard is sorted by length, so that batches hold little padding.
        order = sorted(range(len(passages)), key=lambda row: -len(passages[row].text))
        vectors = np.empty((len(passages), self._encoder.width), np.float32)
        for first in range(0, len(order), _PASSAGES_AT_ONCE):
            rows = order[first : first + _PASSAGES_AT_ONCE]
            vectors[rows] = self._encoder.encode_passages([passages[row] for row in rows])
            bar.update(len(rows))
        return vectors


def begin_work(index: Path, encoder: VectorEncoder) -> None:
    """Make the folder of these files; those of an interrupted run with another encoder are removed.

    Args:
        index: The index folder.
        encoder: Computes the vectors.
    """
    file = index / WORK_FOLDER / _ENCODER_FILE
    plan = {"fingerprint": encoder.fingerprint}
    is_there = check_folder(file.parent) and file.exists()
    if not is_there or parse_json_object(read_bounded(file), file) != plan:
        remove_work(index)
        make_folder(file.parent)
        write_json(file, plan)


def work_file(index: Path, shard: ShardEntry) -> Path:
    """The file with the vectors of a shard.

    Args:
        index: The index folder.
        shard: The shard.
    """
    return index / WORK_FOLDER / f"{shard.sha256[:32]}.npy"


def write_shard_vectors(index: Path, shard: ShardEntry, vectors: Vectors) -> None:
    """Write the vectors of a shard in float16, atomically.

    Args:
        index: The index folder, where `begin_work` was called.
        shard: The shard.
        vectors: Vectors of its passages, in order. Shape ``(n_passages, width)``.
    """
    with atomic_path(work_file(index, shard)) as temporary:
        write_array(temporary, vectors.astype("<f2"))


def remove_work(index: Path) -> None:
    """Remove the files of an interrupted run.

    Args:
        index: The index folder.
    """
    remove_folder(index / WORK_FOLDER, lambda name: _IS_OURS.fullmatch(name) is not None)
