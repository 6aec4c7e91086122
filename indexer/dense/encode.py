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


def make_vectors(
    index: Path, encoder: VectorEncoder, shards: Sequence[ShardEntry], *, show_progress: bool
) -> None:
    """Write the missing files; those of an interrupted run with the same encoder are kept.

    Args:
        index: The index folder.
        encoder: Computes the vectors.
        shards: Shards whose passages are encoded.
        show_progress: Draw a progress bar on standard error.
    """
    begin_work(index, encoder)
    with tqdm(
        total=sum(shard.n_passages for shard in shards),
        unit=" passages",
        desc="encoding",
        disable=not show_progress,
        delay=1,
    ) as bar:
        for shard in shards:
            if work_file(index, shard).exists():
                bar.update(shard.n_passages)
            else:
                write_shard_vectors(index, shard, _encode(index, encoder, shard, bar))


def read_vectors_of(
    index: Path, shards: Sequence[ShardEntry], width: int, without: Array
) -> Iterator[tuple[Array, Array]]:
    """Read the vectors in these files, shard by shard.

    Args:
        index: The index folder.
        shards: Shards whose files exist.
        width: Numbers in a vector.
        without: Ordinals of passages to leave out, ascending. Shape ``(n,)``.

    Yields:
        For each shard the ordinals, shape ``(n,)``, and the vectors, shape ``(n, width)``, float16.
    """
    for shard in shards:
        ordinals = ShardReader(index / shard.file).ordinals
        is_left = ~np.isin(ordinals, without)
        vectors = map_array(work_file(index, shard), "<f2", (shard.n_passages, width))
        yield ordinals[is_left], vectors[is_left]


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


def _encode(index: Path, encoder: VectorEncoder, shard: ShardEntry, bar: "tqdm[None]") -> Vectors:
    """Vectors of all passages of a shard. Shape ``(n_passages, width)``, float32."""
    opened = ShardReader(index / shard.file)
    passages = [opened.passage(row) for row in range(shard.n_passages)]
    # The whole shard is sorted by length, so that batches hold little padding.
    order = sorted(range(len(passages)), key=lambda row: -len(passages[row].text))
    vectors = np.empty((len(passages), encoder.width), np.float32)
    for first in range(0, len(order), _PASSAGES_AT_ONCE):
        rows = order[first : first + _PASSAGES_AT_ONCE]
        vectors[rows] = encoder.encode_passages([passages[row] for row in rows])
        bar.update(len(rows))
    return vectors
