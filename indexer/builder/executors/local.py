"""Where shards are encoded: in processes of this machine, or on a cluster."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ....reader import Reader
from ....reader.codecs import Codec
from ..encode import Progress, ShardTask
from .processes import OnShard, default_workers, encode_shards


@dataclass(frozen=True, slots=True)
class Encoding:
    """With what shards are encoded."""

    reader: Reader
    """Makes the states."""
    codec: Codec
    """Writes them as bytes."""
    codec_name: str
    """What another process finds the codec by."""
    rows_per_batch: int
    """Rows the reader sees at once."""
    scratch: Path
    """Folder for files that last no longer than encoding; their names end in ``.tmp``."""


class Executor(Protocol):
    """Encodes shards; their bytes are the same whichever does."""

    def workers(self, reader: Reader, n_shards: int) -> int:
        """How many encode at a time, for the estimate; at least 1."""

    def encode(
        self,
        tasks: Iterable[ShardTask],
        encoding: Encoding,
        *,
        n_shards: int,
        on_shard: OnShard,
        on_progress: Progress,
    ) -> None:
        """Encode shards; they are reported in their order.

        Args:
            tasks: Taken one by one, a few ahead of the workers.
            encoding: With what.
            n_shards: How many tasks there are at most.
            on_shard: Told each shard that is written.
            on_progress: Told the tokens that are done, now and then.

        Raises:
            PrereadError: If it cannot go on. Shards that were reported are whole.
        """


@dataclass(frozen=True, slots=True)
class LocalExecutor:
    """Processes of this machine."""

    n_workers: int | None = None
    """By default one a core, or one where a GPU does the work."""

    def workers(self, reader: Reader, n_shards: int) -> int:
        """See `Executor`."""
        return max(1, min(self.n_workers or default_workers(reader), n_shards))

    def encode(
        self,
        tasks: Iterable[ShardTask],
        encoding: Encoding,
        *,
        n_shards: int,
        on_shard: OnShard,
        on_progress: Progress,
    ) -> None:
        """See `Executor`."""
        encode_shards(
            tasks,
            encoding.reader,
            encoding.codec,
            codec_name=encoding.codec_name,
            rows_per_batch=encoding.rows_per_batch,
            scratch=encoding.scratch,
            workers=self.workers(encoding.reader, n_shards),
            on_shard=on_shard,
            on_progress=on_progress,
        )
